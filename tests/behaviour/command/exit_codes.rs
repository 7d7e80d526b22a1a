//! One rule for all subcommands: 0 is done, 1 is tried and failed or answered with no, 2 is a command line that says nothing which
//! could be tried.

use super::{HELLO, Shell, text};
use crate::harness::{backstay, port};

#[track_caller]
fn exits(code: i32, arguments: &[&str]) {
    let output = backstay(arguments);
    let said = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said:?}");
    assert!(code == 0 || !said.1.is_empty(), "{arguments:?} says nothing of what is wrong");
}

/// Every subcommand that talks to a control plane, as it is rightly called.
fn asking<'a>(file: &'a str, details: &'a str) -> [Vec<&'a str>; 7] {
    [
        vec!["apply", "-f", file],
        vec!["get", "backends"],
        vec!["delete", "-f", file],
        vec!["status"],
        vec!["explain", "http://a.test/"],
        vec!["export"],
        vec!["import", "--fastly", details],
    ]
}

#[test]
fn what_is_done_is_0() {
    let shell = Shell::new();
    let file = shell.file("hello.yaml", HELLO);
    let tokens = shell.file("tokens.yaml", "");
    let folder = shell.files.path().join("man");
    shell.ok(&["apply", "-f", &file]);
    shell.ok(&["get", "backend", "hello"]);
    shell.ok(&["status", "--exit-code"]);
    let backup = shell.file("backup.yaml", &shell.ok(&["export"]));
    shell.ok(&["delete", "-f", &file]);
    let data = shell.files.path().join("data");
    exits(0, &["import", "-f", &backup, "--data-dir", data.to_str().unwrap()]);
    exits(0, &["check", "-f", &file]);
    exits(0, &["token", "--file", &tokens, "ci"]);
    exits(0, &["version"]);
    exits(0, &["completions", "bash"]);
    exits(0, &["man", folder.to_str().unwrap()]);
    exits(0, &["--help"]);
}

#[test]
fn what_fails_and_what_is_answered_with_no_is_1() {
    let shell = Shell::new();
    let file = shell.file("hello.yaml", HELLO);
    let details = shell.file("service.json", r#"{"name": "a", "version": {"number": 1}}"#);
    let nobody = format!("http://127.0.0.1:{}", port::free());
    for arguments in asking(&file, &details) {
        exits(1, &[&arguments[..], &["--server", &nobody]].concat());
    }
    let wrong = shell.file("wrong.yaml", "kind: Backend\n");
    let missing = shell.files.path().join("missing.yaml");
    let missing = missing.to_str().unwrap();
    for files in [wrong.as_str(), missing] {
        shell.fails(&["apply", "-f", files]);
        shell.fails(&["delete", "-f", files]);
        shell.fails(&["explain", "http://a.test/", "-f", files]);
        exits(1, &["check", "-f", files]);
        exits(1, &["import", "-f", files, "--data-dir", missing]);
        shell.fails(&["import", "--fastly", files]);
    }
    shell.fails(&["get", "backend", "nothing"]);
    shell.fails(&["get", "nonsense"]);
    shell.fails(&["get", "backstay", "--watch"]);
    shell.fails(&["delete", "backend", "nothing"]);
    shell.fails(&["status", "--fleet", "nothing"]);
    let output = shell.run(&["explain", "http://a.test/"]);
    assert_eq!(output.status.code(), Some(1), "nobody serves it: {output:?}");
    exits(1, &["token", "--file", "/proc/nothing", "ci"]);
    let (api, taken) = (shell.control_plane.api().to_string(), shell.files.path().join("taken"));
    exits(1, &["control-plane", "--api", &api, "--xds", "127.0.0.1:0", "--data-dir", taken.to_str().unwrap()]);
    exits(1, &["dev", "--api", &api, "--data-dir", taken.to_str().unwrap()]);
    exits(1, &["proxy", "--admin", &api]);
}

#[test]
fn a_command_line_that_is_wrong_by_itself_is_2() {
    for arguments in [
        &[][..],
        &["nonsense"],
        &["apply"],
        &["apply", "-f", "x.yaml", "--nonsense"],
        &["apply", "-f", "x.yaml", "--server", "ftp://a"],
        &["check"],
        &["get"],
        &["get", "backend/"],
        &["get", "backends,gateways", "a"],
        &["get", "backends,gateways", "--watch"],
        &["get", "backend", "a", "b", "--watch"],
        &["get", "backends", "-A", "-n", "a"],
        &["delete"],
        &["delete", "backend"],
        &["delete", "backend", "a", "-f", "x.yaml"],
        &["status", "--fleet", ""],
        &["explain"],
        &["explain", "a.test/"],
        &["explain", "ftp://a.test/"],
        &["explain", "http://a.test/", "--header", "nonsense"],
        &["export", "--data-dir", "x", "--server", "http://127.0.0.1:1"],
        &["import"],
        &["import", "-f", "x.yaml", "--fastly", "x.json"],
        &["token"],
        &["token", "--file", "x", "ci", "--expires", "tomorrow"],
        &["version", "--nonsense"],
        &["completions", "tcl"],
        &["man"],
        &["control-plane", "--limit", "max-watches=many"],
        &["control-plane", "--api", "0.0.0.0:0", "--data-dir", "/proc/nothing"],
        &["control-plane", "--xds", "0.0.0.0:0", "--data-dir", "/proc/nothing"],
        &["proxy", "--admin", "0.0.0.0:0"],
        &["proxy", "--limit", "nonsense=1"],
        &["dev", "--api", "0.0.0.0:0", "--data-dir", "/proc/nothing"],
        &["dev", "--admin", "0.0.0.0:0", "--data-dir", "/proc/nothing"],
    ] {
        exits(2, arguments);
    }
}

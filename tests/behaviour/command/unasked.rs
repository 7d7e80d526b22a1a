//! A command does what was asked, or nothing: what came out empty, as a shell variable that is not set, never stands for
//! everything, and of manifests with anything wrong in them nothing is changed.

mod api;

use std::path::Path;
use std::process::Command;

use super::{HELLO, Shell, text};
use crate::harness::rest::BACKENDS;
use crate::harness::tools::kubectls;
use crate::harness::{Dev, backstay};

const ROUTE: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: r
  namespace: default
spec:
  parentRefs:
    - name: web
";

/// What is stored of [`stored`].
const ALL: &str = "\
backend.core.apoxy.dev/a
backend.core.apoxy.dev/b
backend.core.apoxy.dev/c
httproute.gateway.networking.k8s.io/r
";

fn backend(name: &str) -> String {
    HELLO.replace("name: hello", &format!("name: {name}\n  labels: {{app: shop}}"))
}

/// A control plane with three Backends and a route.
fn stored() -> Shell {
    let shell = Shell::new();
    let objects = [backend("a"), backend("b"), backend("c"), ROUTE.to_owned()];
    shell.ok(&["apply", "-f", &shell.file("stored.yaml", &objects.join("---\n"))]);
    assert_eq!(left(&shell), ALL);
    shell
}

fn left(shell: &Shell) -> String {
    shell.ok(&["get", "backends,httproutes", "-o", "name"])
}

/// Fails unless the command ends with this code, prints nothing and changes nothing.
fn refused(shell: &Shell, code: i32, arguments: &[&str]) -> String {
    let output = shell.run(arguments);
    let (out, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), out.as_str()), (Some(code), ""), "{arguments:?}: {complaint}");
    assert_eq!(left(shell), ALL, "{arguments:?}");
    complaint
}

#[test]
fn a_name_that_is_empty_or_leads_elsewhere_deletes_nothing() {
    let shell = stored();
    for arguments in [
        &["backend", ""][..],
        &["backends", ""],
        &["backend", "a", ""],
        &["backend", "", "a"],
        &["backend/"],
        &["backend/a", "backend/"],
        &["httproute", ""],
        &["httproute", "-n", "default", ""],
        &["secret", "", "-n", "default"],
        &["namespace", ""],
        &["backend", "", "--ignore-not-found"],
        &["backend", " "],
        &["backend", "."],
        &["backend", ".."],
        &["backend", "a/b"],
        &["backend", "?"],
        &["backend", "a?limit=1"],
        &["backend", "#"],
        &["backend", "a", "%2e%2e"],
        &["backend/a/b"],
        &["", "a"],
        &["/a"],
        &["backend,", "--all"],
        &["", "--all"],
    ] {
        refused(&shell, 2, &[&["delete"], arguments].concat());
    }
    assert!(refused(&shell, 2, &["delete", "backend", ""]).contains("resource name may not be empty"));
}

#[test]
fn a_namespace_that_is_empty_is_no_namespace() {
    let shell = stored();
    let route = shell.file("route.yaml", ROUTE);
    for arguments in [
        &["delete", "httproute", "r", "-n", ""][..],
        &["delete", "httproute", "r", "--namespace="],
        &["delete", "httproutes", "--all", "-n", ""],
        &["delete", "httproutes", "--all", "-n", "../.."],
        &["delete", "-f", &route, "-n", ""],
        &["apply", "-f", &route, "-n", ""],
        &["get", "httproutes", "-n", ""],
    ] {
        refused(&shell, 2, arguments);
    }
    assert_eq!(backstay(["check", "-f", &route, "-n", ""]).status.code(), Some(2));
    assert_eq!(backstay(["dev", "-f", &route, "-n", ""]).status.code(), Some(2));
}

#[test]
fn all_objects_of_a_kind_are_deleted_only_when_that_is_said() {
    let shell = stored();
    let file = shell.file("one.yaml", HELLO);
    for arguments in [
        &["backends"][..],
        &["backends", "-l", ""],
        &["backends", "-l", " "],
        &["backends", "-l", ","],
        &["backends", "--selector="],
        &["backends", "--all", "-l", "app=shop"],
        &["backends", "--all", "-l", ""],
        &["backend", "a", "--all"],
        &["backend/a", "--all"],
        &["backend", "a", "-l", "app=shop"],
        &["backends", "-A"],
        &["--all"],
        &["-l", "app=shop"],
        &["-f", &file, "--all"],
        &["-f", &file, "-l", "app=shop"],
        &["-f", &file, "backend", "a"],
    ] {
        refused(&shell, 2, &[&["delete"], arguments].concat());
    }
    for selector in ["app in shop", "=shop", "app=shop,,", "app=!"] {
        refused(&shell, 1, &["delete", "httproutes,backends", "-l", selector]);
    }
    shell.ok(&["delete", "backends", "-l", "app=other"]);
    assert_eq!(left(&shell), ALL);
    assert_eq!(shell.ok(&["delete", "backends", "-l", "app=shop"]).lines().count(), 3);
    assert_eq!(shell.ok(&["delete", "httproutes", "--all"]).lines().count(), 1);
    assert_eq!(left(&shell), "");
}

#[test]
fn get_of_an_empty_name_is_not_a_list() {
    let shell = stored();
    for arguments in [
        &["backend", ""][..],
        &["backend/"],
        &["backend", "a", ""],
        &["httproute", "", "-A"],
        &["backends", "-l", ""],
        &["backend", "a", "-l", "app=shop"],
        &["backend", "..", "--watch"],
        &[""],
        &["httproutes", "-A", "-n", "default"],
    ] {
        refused(&shell, 2, &[&["get"], arguments].concat());
    }
}

/// Second documents with something wrong in them that needs no control plane to be seen.
fn wrong() -> [(&'static str, String); 11] {
    let nameless = HELLO.replace("name: hello", "generateName: gen-");
    [
        ("a field written twice", HELLO.replace("spec:\n", "spec:\n  protocol: h2c\n  protocol: tls\n")),
        ("another key written twice", HELLO.replace("kind: Backend\n", "kind: Backend\nkind: Backend\n")),
        ("generateName", nameless.clone()),
        (
            "generateName in a list",
            format!("apiVersion: v1\nkind: List\nitems:\n- {}", nameless.trim_end().replace('\n', "\n  ")),
        ),
        ("an empty name", HELLO.replace("name: hello", "name: \"\"")),
        ("a name that leads elsewhere", HELLO.replace("name: hello", "name: ../a")),
        ("no YAML", "kind: [\n".to_owned()),
        ("a kind that there is not", HELLO.replace("kind: Backend", "kind: Backends")),
        ("an unknown field", HELLO.replace("spec:\n", "spec:\n  protcol: h2\n")),
        ("a wrong value", HELLO.replace("127.0.0.1", "nowhere")),
        ("the same object again", backend("a")),
    ]
}

#[test]
fn manifests_with_anything_wrong_change_nothing() {
    let shell = stored();
    let before = shell.ok(&["get", "backends", "-o", "json"]);
    let changed = backend("a").replace("127.0.0.1", "127.0.0.9");
    for (what, second) in wrong() {
        let one = shell.file("one.yaml", &format!("{changed}---\n{second}"));
        let (first, second) = (shell.file("first.yaml", &changed), shell.file("second.yaml", &second));
        for files in [&["-f", &one][..], &["-f", &first, "-f", &second], &["-f", &second, "-f", &first]] {
            refused(&shell, 1, &[&["apply"], files].concat());
            assert_eq!(backstay([&["check"], files].concat()).status.code(), Some(1), "{what}");
        }
        assert_eq!(shell.ok(&["get", "backends", "-o", "json"]), before, "{what}");
    }
}

#[test]
fn manifests_that_cannot_be_read_delete_nothing() {
    let shell = stored();
    // What does not fit the schema has a name all the same, and an object that is named twice goes once.
    for (what, second) in wrong().into_iter().take(8) {
        let file = shell.file("one.yaml", &format!("{}---\n{second}", backend("a")));
        let complaint = refused(&shell, 1, &["delete", "-f", &file]);
        assert!(complaint.contains("error: nothing was deleted"), "{what}: {complaint}");
    }
    let absent = shell.files.path().join("absent.yaml");
    let file = shell.file("one.yaml", &backend("a"));
    refused(&shell, 1, &["delete", "-f", &file, "-f", absent.to_str().unwrap()]);
    let twice = shell.file("twice.yaml", &format!("{}---\n{}", backend("a"), backend("a")));
    assert_eq!(shell.ok(&["delete", "-f", &twice]), "backend.core.apoxy.dev \"a\" deleted\n");
    assert_eq!(shell.ok(&["delete", "backend", "b", "b"]), "backend.core.apoxy.dev \"b\" deleted\n");
}

#[test]
fn nothing_to_do_is_not_success() {
    let shell = stored();
    let directory = shell.files.path().join("empty");
    std::fs::create_dir(&directory).unwrap();
    let directory = directory.to_str().unwrap();
    let nothing = ["", "\n", "# nothing\n", "---\n---\n# x\n", "null\n", "apiVersion: v1\nkind: List\nitems: []\n"];
    for (index, content) in nothing.into_iter().enumerate() {
        let file = shell.file(&format!("{index}.yaml"), content);
        for verb in ["apply", "delete"] {
            assert_eq!(refused(&shell, 1, &[verb, "-f", &file]), format!("error: no objects passed to {verb}\n"));
            // Standard input is empty, as that of a pipe from what failed.
            assert_eq!(refused(&shell, 1, &[verb, "-f", "-"]), format!("error: no objects passed to {verb}\n"));
            assert!(refused(&shell, 1, &[verb, "-f", directory]).contains("no .yaml, .yml or .json file"));
        }
        assert_eq!(backstay(["check", "-f", &file]).status.code(), Some(1), "{content:?}");
    }
    refused(&shell, 1, &["apply", "--wait", "-f", "-"]);
    // What one of two could not write does not leave the other half done.
    let good = shell.file("good.yaml", HELLO);
    for verb in ["apply", "delete"] {
        assert!(refused(&shell, 1, &[verb, "-f", &good, "-f", "-"]).contains("stdin: there are no objects in it"));
    }
}

#[test]
fn a_namespace_that_contradicts_the_manifest_is_refused() {
    let shell = stored();
    shell.ok(&["apply", "-f", &shell.file("prod.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n")]);
    let both = format!("{}---\n{}", backend("a").replace("127.0.0.1", "127.0.0.9"), ROUTE);
    let both = shell.file("both.yaml", &both);
    let sentence = "metadata.namespace: the namespace from the provided object \"default\" does not match the namespace \
                    \"prod\". You must pass '--namespace=default' to perform this operation.";
    for verb in ["apply", "delete"] {
        let complaint = refused(&shell, 1, &[verb, "-f", &both, "-n", "prod"]);
        assert_eq!(complaint.matches(sentence).count(), 1, "{complaint}");
    }
    let checked = backstay(["check", "-f", &both, "-n", "prod"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stderr).contains(sentence), "{checked:?}");
    assert!(shell.ok(&["get", "backend", "a", "-o", "json"]).contains("\"127.0.0.1\""));

    // Backends live in no namespace, and what names none goes where the command line says.
    let anywhere = shell.file("anywhere.yaml", &ROUTE.replace("  namespace: default\n", ""));
    shell.ok(&["apply", "-f", &shell.file("a.yaml", &backend("a")), "-f", &anywhere, "-n", "prod"]);
    assert_eq!(shell.ok(&["get", "httproutes", "-n", "prod", "-o", "name"]).lines().count(), 1);
    shell.ok(&["delete", "-f", &anywhere, "-n", "prod"]);
    assert_eq!(left(&shell), ALL);
    shell.ok(&["delete", "-f", &both, "-n", "default"]);
}

#[test]
fn settings_that_came_out_empty_are_wrong_command_lines() {
    for arguments in [
        &["get", "backends", "--server", ""][..],
        &["status", "--server="],
        &["status", "--fleet", ""],
        &["status", "--fleet", "a/b"],
        &["apply", "-f", ""],
        &["delete", "-f", ""],
        &["check", "-f", ""],
        &["apply", "-f", "x.yaml", "--wait", "--timeout", ""],
        &["get", "backends", "-o", ""],
        &["control-plane", "--data-dir", ""],
        &["control-plane", "--api", ""],
        &["control-plane", "--xds", ""],
        &["control-plane", "--address-file", ""],
        &["proxy", "--fleet", ""],
        &["proxy", "--node-id", ""],
        &["proxy", "--state-dir", ""],
        &["proxy", "--admin", ""],
        &["proxy", "--control-plane", ""],
        &["proxy", "--access-log", ""],
        &["proxy", "--dns-server", ""],
        &["proxy", "--drain-timeout", ""],
        &["proxy", "--threads", ""],
        &["proxy", "--limit", ""],
        &["proxy", "--limit", "="],
        &["proxy", "--limit", "=5"],
        &["proxy", "--limit", "max-connections="],
        &["dev", "--data-dir", ""],
        &["dev", "-f", ""],
        &["dev", "--access-log", ""],
        &["dev", "-n", "default"],
    ] {
        let output = backstay(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn an_address_that_is_set_and_empty_is_not_the_usual_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_backstay"))
        .args(["delete", "backend", "a"])
        .env("BACKSTAY_SERVER", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("--server"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_keeps_what_is_in_force_while_manifests_are_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.yaml");
    let good = format!("{}---\n{}", backend("a"), backend("b"));
    // At once, so that half a file is never read.
    let write = |text: &str| {
        std::fs::write(directory.path().join("beside"), text).unwrap();
        std::fs::rename(directory.path().join("beside"), &file).unwrap();
    };
    write(&good);
    let dev = Dev::start(&directory.path().join("data"), &["-f", file.to_str().unwrap()]);
    let rest = dev.rest();
    let stored = async || {
        let list = rest.read(BACKENDS).await;
        let named = |item: &serde_json::Value| {
            (item["metadata"]["name"].clone(), item["metadata"]["generation"].clone(), item["spec"].clone())
        };
        list["items"].as_array().unwrap().iter().map(named).collect::<Vec<_>>()
    };
    let before = stored().await;
    assert_eq!(before.len(), 2);
    // The first object is changed, the second is gone, and there is something wrong.
    let changed = backend("a").replace("127.0.0.1", "127.0.0.9");
    for (what, second) in wrong() {
        write(&format!("{changed}---\n{second}"));
        dev.process.wait_for_line("What was applied before stays as it was");
        assert_eq!(stored().await, before, "{what}");
    }
    write("");
    dev.process.wait_for_line("no objects passed to apply");
    dev.process.wait_for_line("What was applied before stays as it was");
    assert_eq!(stored().await, before);
    // Once it is right again, it counts as a whole.
    write(&changed);
    dev.process.wait_for_line("backend.core.apoxy.dev/a configured");
    dev.process.wait_for_line("backend.core.apoxy.dev/b deleted");
}

#[test]
fn kubectl_refuses_the_same() {
    let shell = stored();
    let home = tempfile::tempdir().unwrap();
    let (route, empty) = (shell.file("route.yaml", ROUTE), shell.file("empty.yaml", ""));
    let generated = shell.file("generated.yaml", &HELLO.replace("name: hello", "generateName: gen-"));
    let kubectl = |binary: &Path, arguments: &[&str]| {
        let mut command = Command::new(binary);
        command.arg("--server").arg(shell.control_plane.server()).args(arguments).arg("--request-timeout=30s");
        let output = command.env("HOME", home.path()).env_remove("KUBECONFIG").output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(left(&shell), ALL, "{arguments:?}");
        text(&output.stderr)
    };
    for binary in kubectls() {
        for (arguments, sentence) in [
            (&["delete", "backend", ""][..], "resource name may not be empty"),
            (&["delete", "-f", &generated], "resource name may not be empty"),
            (&["apply", "-f", &empty], "error: no objects passed to apply"),
            (&["apply", "-f", &generated], "cannot use generate name with"),
            (&["delete", "-f", &route, "-n", "prod"], "does not match the namespace \"prod\". You must pass"),
            (&["apply", "-f", &route, "-n", "prod"], "does not match the namespace \"prod\". You must pass"),
        ] {
            let said = kubectl(&binary, arguments);
            assert!(said.contains(sentence), "{arguments:?}: {said}");
            let ours = shell.run(arguments);
            assert!(!ours.status.success());
            let is_delete_of_generated = arguments.contains(&generated.as_str()) && arguments[0] == "delete";
            assert!(is_delete_of_generated || text(&ours.stderr).contains(sentence), "{arguments:?}: {ours:?}");
            assert_eq!(left(&shell), ALL, "{arguments:?}");
        }
    }
}

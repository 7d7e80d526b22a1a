//! The client side of the command: what it prints and how it exits, against a real control plane.

mod exit_codes;
mod krakend;
mod unasked;

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::harness::tls::Authority;
use crate::harness::{ControlPlane, Proxy, backstay, manifest, port};

const HELLO: &str = "\
apiVersion: core.apoxy.dev/v1alpha2
kind: Backend
metadata:
  name: hello
spec:
  endpoints:
    - ip: 127.0.0.1
";

struct Shell {
    control_plane: ControlPlane,
    files: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        Self { control_plane: ControlPlane::start(), files: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let server = self.control_plane.server();
        backstay(arguments.iter().copied().chain(["--server", &server]))
    }

    /// What a command prints that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// What a command complains of that must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn apply_creates_then_configures_then_leaves_alone() {
    let shell = Shell::new();
    let file = shell.file("hello.yaml", HELLO);
    assert_eq!(shell.ok(&["apply", "-f", &file]), "backend.core.apoxy.dev/hello created\n");
    assert_eq!(shell.ok(&["apply", "-f", &file]), "backend.core.apoxy.dev/hello unchanged\n");
    shell.file("hello.yaml", &HELLO.replace("127.0.0.1", "127.0.0.2"));
    assert_eq!(shell.ok(&["apply", "-f", &file]), "backend.core.apoxy.dev/hello configured\n");
    let stored: Value = serde_json::from_str(&shell.ok(&["get", "backend/hello", "-o", "json"])).unwrap();
    assert_eq!(stored["spec"]["endpoints"], serde_json::json!([{"ip": "127.0.0.2"}]));
}

#[test]
fn apply_removes_what_it_once_set_and_leaves_what_others_set() {
    let shell = Shell::new();
    let labels = HELLO.replace("  name: hello\n", "  name: hello\n  labels: {mine: \"1\", gone: \"1\"}\n");
    let file = shell.file("hello.yaml", &labels);
    shell.ok(&["apply", "-f", &file]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let others = serde_json::json!({"metadata": {"labels": {"theirs": "1"}}});
    let path = format!("{}/hello", crate::harness::rest::BACKENDS);
    runtime.block_on(shell.control_plane.rest().change(&path, &others));
    shell.file("hello.yaml", &labels.replace(", gone: \"1\"", ""));
    shell.ok(&["apply", "-f", &file]);
    let stored: Value = serde_json::from_str(&shell.ok(&["get", "backend", "hello", "-o", "json"])).unwrap();
    assert_eq!(stored["metadata"]["labels"], serde_json::json!({"mine": "1", "theirs": "1"}));
}

#[test]
fn apply_tells_all_that_is_wrong_with_file_line_and_field_and_then_applies_nothing() {
    let shell = Shell::new();
    let bad = HELLO.replace("hello", "bad").replace("127.0.0.1", "nowhere");
    let typo = HELLO.replace("hello", "typo").replace("spec:\n", "spec:\n  protcol: h2\n");
    let file = shell.file("all.yaml", &format!("{HELLO}---\n{bad}---\n{typo}---\nkind: [\n---\n{HELLO}"));
    let output = shell.run(&["apply", "-f", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let complaints = text(&output.stderr);
    let lines: Vec<_> = complaints.lines().map(|line| line.strip_prefix(&file).unwrap_or(line)).collect();
    assert_eq!(lines.len(), 5, "{complaints}");
    assert!(lines[0].starts_with(":15:7: Backend/bad: spec.endpoints[0].ip: Invalid value"), "{complaints}");
    assert!(lines[1].starts_with(":22:3: Backend/typo: spec.protcol: there is no such field"), "{complaints}");
    assert!(lines[2].starts_with(":26: not valid YAML"), "{complaints}");
    assert!(lines[3].starts_with(":31:3: Backend/hello: metadata.name: it is already at"), "{complaints}");
    assert_eq!(lines[4], "error: nothing was applied");
    assert_eq!(shell.ok(&["get", "backends", "-o", "name"]), "");
}

#[test]
fn apply_goes_on_past_what_the_control_plane_refuses() {
    let shell = Shell::new();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: absent\n";
    let file = shell.file("all.yaml", &format!("{secret}---\n{HELLO}"));
    let output = shell.run(&["apply", "-f", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "backend.core.apoxy.dev/hello created\n");
    assert_eq!(text(&output.stderr), format!("{file}:1: Secret/s: namespaces \"absent\" not found\n"));
}

#[test]
fn check_finds_offline_what_apply_would_be_refused_for() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("bad.yaml");
    std::fs::write(&path, HELLO.replace("127.0.0.1", "nowhere").replace("spec:\n", "spec:\n  protcol: h2\n")).unwrap();
    let output = backstay(["check".as_ref(), "-f".as_ref(), path.as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    let path = path.to_str().unwrap();
    let complaints = text(&output.stderr);
    assert!(complaints.contains(&format!("{path}:6:3: Backend/hello: spec.protcol: ")), "{complaints}");
    assert!(complaints.contains(&format!("{path}:8:7: Backend/hello: spec.endpoints[0].ip: ")), "{complaints}");
    assert_eq!(text(&output.stdout), "1 object: 2 problems\n");
}

#[test]
fn get_prints_tables_names_yaml_and_lists() {
    let shell = Shell::new();
    let file = shell.file("two.yaml", &format!("{HELLO}---\n{}", HELLO.replace("hello", "other")));
    shell.ok(&["apply", "-f", &file]);
    let table = shell.ok(&["get", "backends"]);
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "ENDPOINTS", "PROTOCOL", "DYNAMIC", "PROGRAMMED", "AGE"], "{table}");
    assert_eq!(rows[1][..2], ["hello", "127.0.0.1"], "{table}");
    assert_eq!(rows.len(), 3, "{table}");
    assert_eq!(shell.ok(&["get", "be", "-o", "name"]), "backend.core.apoxy.dev/hello\nbackend.core.apoxy.dev/other\n");
    let yaml = shell.ok(&["get", "backend", "hello", "-o", "yaml"]);
    assert!(yaml.contains("kind: Backend\n"), "{yaml}");
    // What is printed can be applied again.
    let again = shell.file("again.yaml", &yaml);
    assert_eq!(backstay(["check", "-f", &again]).status.code(), Some(0));
    let list: Value = serde_json::from_str(&shell.ok(&["get", "backends", "-o", "json"])).unwrap();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("List"), Some(2)));
}

#[test]
fn get_of_what_is_not_there_fails_and_says_so() {
    let shell = Shell::new();
    assert!(shell.fails(&["get", "backend", "absent"]).contains("\"absent\" not found"));
    assert!(shell.fails(&["get", "pods"]).contains("no kind \"pods\""));
    let none = shell.run(&["get", "backends"]);
    assert_eq!((none.status.code(), text(&none.stderr)), (Some(0), "No objects found\n".to_owned()));
}

#[test]
fn delete_by_name_by_selector_and_by_file() {
    let shell = Shell::new();
    let labelled = HELLO.replace("  name: hello\n", "  name: labelled\n  labels: {app: shop}\n");
    let file = shell.file("all.yaml", &format!("{HELLO}---\n{labelled}---\n{}", HELLO.replace("hello", "last")));
    shell.ok(&["apply", "-f", &file]);
    assert_eq!(shell.ok(&["delete", "backend", "hello"]), "backend.core.apoxy.dev \"hello\" deleted\n");
    assert_eq!(shell.ok(&["delete", "backends", "-l", "app=shop"]), "backend.core.apoxy.dev \"labelled\" deleted\n");
    let rest = shell.run(&["delete", "-f", &file]);
    assert_eq!(rest.status.code(), Some(1), "two of them are not there");
    assert_eq!(text(&rest.stdout), "backend.core.apoxy.dev \"last\" deleted\n");
    assert_eq!(shell.ok(&["delete", "-f", &file, "--ignore-not-found"]), "");
    assert_eq!(shell.ok(&["get", "backends", "-o", "name"]), "");
}

#[test]
fn get_watch_prints_changes_as_they_happen() {
    use std::io::{BufRead as _, BufReader};

    let shell = Shell::new();
    let file = shell.file("hello.yaml", HELLO);
    shell.ok(&["apply", "-f", &file]);
    let mut watching = std::process::Command::new(env!("CARGO_BIN_EXE_backstay"))
        .args(["get", "backends", "--watch", "-o", "name", "--server", &shell.control_plane.server()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "backend.core.apoxy.dev/hello");
    let other = shell.file("other.yaml", &HELLO.replace("hello", "other"));
    shell.ok(&["apply", "-f", &other]);
    // The status of the first may be written meanwhile.
    assert!(lines.any(|line| line == "backend.core.apoxy.dev/other"));
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn status_tells_that_no_proxy_is_connected() {
    let shell = Shell::new();
    let table = shell.ok(&["status"]);
    assert!(table.contains("default") && table.contains("none connected"), "{table}");
    let json: Value = serde_json::from_str(&shell.ok(&["status", "-o", "json", "--exit-code"])).unwrap();
    assert_eq!(json["fleets"][0]["name"], "default");
    assert!(shell.fails(&["status", "--fleet", "absent"]).contains("no fleet \"absent\""));
}

#[test]
fn wrong_command_lines_exit_with_2() {
    for arguments in [
        &["apply"][..],
        &["get"],
        &["delete"],
        &["nonsense"],
        &["get", "backends", "--server", "ftp://127.0.0.1:1"],
        &["proxy", "--control-plane", "ftp://127.0.0.1:1"],
        &["proxy", "--client-cert", "proxy.crt"],
        &["control-plane", "--tls-cert", "server.crt"],
        &["token", "create"],
        &["proxy", "--drain-timeout", "soon"],
        &["dev", "-f", "-"],
    ] {
        assert_eq!(backstay(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn addresses_beyond_this_machine_need_a_word() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("never made");
    let directory = directory.to_str().unwrap();
    for (command, folder, option) in [
        ("control-plane", "--data-dir", "--api"),
        ("control-plane", "--data-dir", "--xds"),
        ("proxy", "--state-dir", "--admin"),
        ("dev", "--data-dir", "--api"),
        ("dev", "--data-dir", "--xds"),
        ("dev", "--data-dir", "--admin"),
    ] {
        for address in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"] {
            let output = backstay([command, folder, directory, option, address]);
            assert_eq!(output.status.code(), Some(2), "{command} {option} {address}");
            let complaint = text(&output.stderr);
            let says = [&format!("{option} {address}"), "other machines", "--insecure"];
            assert!(says.iter().all(|part| complaint.contains(*part)), "{command}: {complaint}");
            assert!(!scratch.path().join("never made").exists(), "{command} {option} begins nothing");
        }
    }
    let proxy = Proxy::start_with(([127, 0, 0, 1], 1).into(), &["--admin", "0.0.0.0:0", "--insecure"]);
    assert!(proxy.admin.ip().is_unspecified());
}

#[test]
fn an_allowed_host_is_a_name() {
    for (command, name, why) in [
        ("control-plane", "cp.example:7080", "a host name alone"),
        ("dev", "http://cp.example", "a host name alone"),
        ("proxy", "*.example", "a host name alone"),
        ("proxy", "10.0.0.5", "an IP address"),
    ] {
        let output = backstay([command, "--allowed-host", name]);
        assert_eq!(output.status.code(), Some(2), "{command} {name}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains("--allowed-host") && complaint.contains(why), "{complaint}");
    }
}

#[test]
fn an_absent_control_plane_is_an_error_that_names_it() {
    let port = crate::harness::port::free();
    let server = format!("http://127.0.0.1:{port}");
    for arguments in [&["get", "backends"][..], &["status"], &["apply", "-f", "examples/quickstart.yaml"]] {
        let output = backstay(arguments.iter().copied().chain(["--server", &server]));
        assert_eq!(output.status.code(), Some(1));
        let complaint = text(&output.stderr);
        assert!(complaint.starts_with(&format!("error: cannot reach the control plane at {server}: ")), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_silently() {
    use std::io::Read as _;

    let shell = Shell::new();
    // More than a pipe holds.
    let padded =
        HELLO.replace("  name: hello\n", &format!("  name: hello\n  annotations: {{pad: {}}}\n", "x".repeat(10_000)));
    let many: Vec<_> = (0..20).map(|index| padded.replace("hello", &format!("b{index}"))).collect();
    shell.ok(&["apply", "-f", &shell.file("many.yaml", &many.join("---\n"))]);
    let mut reading = std::process::Command::new(env!("CARGO_BIN_EXE_backstay"))
        .args(["get", "backends", "-o", "yaml", "--server", &shell.control_plane.server()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 16];
    reading.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = reading.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn a_policy_is_waited_for_until_proxies_serve_with_it() {
    let shell = Shell::new();
    let proxy = Proxy::start(shell.control_plane.xds());
    let served = [
        manifest::gateway("web", port::free()),
        manifest::backend("app", &["127.0.0.1"]),
        manifest::route("app", "web", "app.example", "app", 1),
    ];
    let served = shell.file("served.yaml", &served.map(|object| object.to_string()).join("\n---\n"));
    shell.ok(&["apply", "--wait", "-f", &served]);
    let policy = |connect: &str| {
        let policy = serde_json::json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy",
            "metadata": {"name": "app"}, "spec": {"targetRefs": [{"name": "app"}], "timeouts": {"connect": connect}}});
        shell.file("policy.yaml", &policy.to_string())
    };
    let is_programmed = || {
        let stored: Value = serde_json::from_str(&shell.ok(&["get", "backendpolicy/app", "-o", "json"])).unwrap();
        let conditions = stored["status"]["conditions"].as_array().unwrap().clone();
        let programmed = conditions.into_iter().find(|condition| condition["type"] == "Programmed").unwrap();
        (programmed["status"].clone(), programmed["observedGeneration"].clone())
    };
    shell.ok(&["apply", "--wait", "-f", &policy("1s")]);
    assert_eq!(is_programmed(), ("True".into(), 1.into()));

    proxy.process.signal("STOP");
    let said = shell.fails(&["apply", "--wait", "--timeout", "5s", "-f", &policy("2s")]);
    assert!(
        said.contains("backendpolicy.backstay.dev/app is not served: waiting for the proxies of default"),
        "{said}"
    );
    proxy.process.signal("CONT");
    shell.ok(&["apply", "--wait", "-f", &policy("2s")]);
    assert_eq!(is_programmed(), ("True".into(), 2.into()));
}

#[test]
fn what_will_have_no_effect_is_told_where_it_is_applied() {
    let shell = Shell::new();
    let authority = Authority::new();
    let (pair, other) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let sound = shell.file("sound.yaml", &pair.secret("client").to_string());
    shell.ok(&["apply", "--wait", "-f", &sound]);
    let mixed = crate::harness::tls::Pair { key: other.key, ..pair };
    let mixed = shell.file("mixed.yaml", &mixed.secret("client").to_string());
    let words = "mixed.yaml:1: Secret/client: has a tls.key that is not the key of the first certificate in tls.crt";
    let said = shell.fails(&["apply", "--wait", "-f", &mixed]);
    assert!(said.contains("warning: ") && said.contains(words), "{said}");
    let checked = backstay(["check", "-f", &mixed]);
    assert!(text(&checked.stderr).contains(words), "{checked:?}");

    let policy = |name: &str, target: &str| {
        let spec = format!("{{targetRefs: [{{name: {target}}}], tls: {{caCertificateRef: {{name: nowhere}}}}}}");
        let text = format!(
            "apiVersion: backstay.dev/v1alpha1\nkind: BackendPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        );
        shell.file(&format!("{name}.yaml"), &text)
    };
    let hello = shell.file("hello.yaml", &format!("{HELLO}  protocol: tls\n"));
    shell.ok(&["apply", "-f", &hello]);
    let said = shell.fails(&["apply", "--wait", "-f", &policy("one", "hello")]);
    assert!(said.contains("backendpolicy.backstay.dev/one does not apply as it is: "), "{said}");
    assert!(said.contains("spec.tls.caCertificateRef: Secret default/nowhere does not exist"), "{said}");
    let said = shell.fails(&["apply", "--wait", "-f", &policy("two", "hello")]);
    assert!(said.contains("BackendPolicy one, which is "), "{said}");
    let said = shell.fails(&["apply", "--wait", "-f", &policy("three", "absent")]);
    assert!(said.contains("there is no Backend named absent"), "{said}");
}

#[test]
fn check_and_apply_say_the_same_of_an_unknown_kind_in_a_line() {
    let shell = Shell::new();
    let misspelt = HELLO.replace("kind: Backend", "kind: Backned");
    let file = shell.file(
        "misspelt.yaml",
        &format!("{misspelt}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\n"),
    );
    let checked = text(&backstay(["check", "-f", &file]).stderr);
    let expected = [
        format!("{file}:2:1: Backned/hello: kind: there is no kind core.apoxy.dev/v1alpha2 Backned; is Backend meant?"),
        format!("{file}:10:1: Deployment/d: kind: there is no kind apps/v1 Deployment"),
    ];
    assert_eq!(checked.lines().collect::<Vec<_>>(), expected);
    let applied = shell.fails(&["apply", "-f", &file]);
    assert_eq!(applied.lines().take(2).collect::<Vec<_>>(), expected);
}

//! kubectl, unmodified: every command that operators use on these objects.
//!
//! `BACKSTAY_KUBECTL` names the binaries to run with, separated by colons; otherwise the `kubectl` on the path is used. The
//! oldest supported is 1.29.

mod events;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::harness::{ControlPlane, tools};

/// One kubectl against one control plane, with a home of its own so that nothing is cached between tests.
struct Kubectl {
    binary: PathBuf,
    server: String,
    home: tempfile::TempDir,
}

impl Kubectl {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--server").arg(&self.server).args(arguments);
        command.env("HOME", self.home.path()).env_remove("KUBECONFIG");
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let path = self.home.path().join("input");
        std::fs::write(&path, input).unwrap();
        let mut command = self.command(arguments);
        command.stdin(Stdio::from(std::fs::File::open(path).unwrap())).output().unwrap()
    }

    /// What a command prints that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        self.ok_with(arguments, "")
    }

    fn ok_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{} {arguments:?}: {out}{err}", self.binary.display());
        out.into_owned()
    }

    /// What a command complains of that must fail.
    fn fails_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(!output.status.success(), "{arguments:?} must fail: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// Runs `test` with each kubectl, each with a control plane of its own.
fn with_each_kubectl(test: impl Fn(&Kubectl)) {
    for binary in tools::kubectls() {
        let control = ControlPlane::start();
        let server = format!("http://{}", control.api());
        test(&Kubectl { binary, server, home: tempfile::tempdir().unwrap() });
    }
}

const API: &str = "
apiVersion: core.apoxy.dev/v1alpha2
kind: Backend
metadata: {name: api, labels: {team: one}}
spec:
  endpoints: [{fqdn: api.example.com}]
  protocol: H2
";

#[test]
fn apply_creates_configures_and_leaves_alone() {
    with_each_kubectl(|kubectl| {
        let canonical = API.replace("H2", "h2");
        assert_eq!(kubectl.ok_with(&["apply", "-f", "-"], &canonical), "backend.core.apoxy.dev/api created\n");
        assert_eq!(kubectl.ok_with(&["apply", "-f", "-"], &canonical), "backend.core.apoxy.dev/api unchanged\n");
        let changed = API.replace("H2", "tls");
        assert_eq!(kubectl.ok_with(&["apply", "-f", "-"], &changed), "backend.core.apoxy.dev/api configured\n");
        assert_eq!(
            kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.spec.protocol} {.metadata.generation}"]),
            "tls 2"
        );
    });
}

#[test]
fn get_prints_tables_and_selects() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        let web = API.replace("name: api", "name: web").replace("one", "two").replace("H2", "\"\"");
        kubectl.ok_with(&["apply", "-f", "-"], &web);

        let table = kubectl.ok(&["get", "be"]);
        let heading: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(heading, ["NAME", "ENDPOINTS", "PROTOCOL", "DYNAMIC", "PROGRAMMED", "AGE"]);
        assert!(table.contains("api.example.com"), "{table}");

        assert_eq!(
            kubectl.ok(&["get", "backends", "-o", "name"]),
            "backend.core.apoxy.dev/api\nbackend.core.apoxy.dev/web\n"
        );
        assert_eq!(
            kubectl.ok(&["get", "backends", "-o", "name", "-l", "team in (two)"]),
            "backend.core.apoxy.dev/web\n"
        );
        let by_field = ["get", "backends", "-o", "name", "--field-selector", "spec.protocol=h2"];
        assert_eq!(kubectl.ok(&by_field), "backend.core.apoxy.dev/api\n");
        assert!(kubectl.ok(&["get", "apoxy"]).contains("backend.core.apoxy.dev/web"));
        assert!(
            kubectl.fails_with(&["get", "backend", "none"], "").contains("backends.core.apoxy.dev \"none\" not found")
        );
    });
}

#[test]
fn describe_explain_and_api_resources_know_the_kinds() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        assert!(kubectl.ok(&["describe", "backend", "api"]).contains("api.example.com"));
        let explained = kubectl.ok(&["explain", "backend.spec.dynamicProxy.dnsCacheConfig"]);
        for field in
            ["dnsLookupFamily", "dnsRefreshRate", "dnsMinRefreshRate", "dnsQueryTimeout", "hostTTL", "maxHosts"]
        {
            assert!(explained.contains(field), "{explained}");
        }
        let resources = kubectl.ok(&["api-resources", "-o", "name"]);
        for resource in ["backends.core.apoxy.dev", "httproutes.gateway.networking.k8s.io", "secrets"] {
            assert!(resources.lines().any(|line| line == resource), "{resources}");
        }
    });
}

#[test]
fn edit_patch_label_annotate_and_replace_change_objects() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        let mut edit = kubectl.command(&["edit", "backend", "api"]);
        let edited = edit.env("KUBE_EDITOR", "sed -i s/api.example.com/edited.example.com/").output().unwrap();
        assert!(edited.status.success(), "{}", String::from_utf8_lossy(&edited.stderr));
        let endpoint = ["get", "backend", "api", "-o", "jsonpath={.spec.endpoints[0].fqdn}"];
        assert_eq!(kubectl.ok(&endpoint), "edited.example.com");

        let merge = r#"{"spec":{"endpoints":[{"fqdn":"merged.example.com"}]}}"#;
        kubectl.ok(&["patch", "backend", "api", "--type=merge", "-p", merge]);
        assert_eq!(kubectl.ok(&endpoint), "merged.example.com");
        let json = r#"[{"op":"replace","path":"/spec/endpoints/0/fqdn","value":"json.example.com"}]"#;
        kubectl.ok(&["patch", "backend", "api", "--type=json", "-p", json]);
        assert_eq!(kubectl.ok(&endpoint), "json.example.com");
        let json = r#"[{"op":"remove","path":"/spec/nothing"}]"#;
        let refused = kubectl.fails_with(&["patch", "backend", "api", "--type=json", "-p", json], "");
        assert!(refused.contains("cannot apply the operation at /spec/nothing"), "{refused}");
        let refused = kubectl.fails_with(&["patch", "backend", "api", "-p", merge], "");
        assert!(refused.contains("application/merge-patch+json"), "{refused}");

        kubectl.ok(&["label", "backend", "api", "tier=edge"]);
        kubectl.ok(&["annotate", "backend", "api", "example.com/note=hello"]);
        assert_eq!(kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.metadata.labels.tier}"]), "edge");
        kubectl.ok_with(&["replace", "-f", "-"], API);
        assert_eq!(kubectl.ok(&endpoint), "api.example.com");
    });
}

#[test]
fn diff_and_server_side_dry_run_change_nothing() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        let changed = API.replace("api.example.com", "other.example.com");
        let diff = kubectl.run(&["diff", "-f", "-"], &changed);
        assert_eq!(diff.status.code(), Some(1), "{}", String::from_utf8_lossy(&diff.stderr));
        assert!(String::from_utf8_lossy(&diff.stdout).contains("+  - fqdn: other.example.com"));
        kubectl.ok_with(&["apply", "--dry-run=server", "-f", "-"], &changed);
        assert_eq!(
            kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.spec.endpoints[0].fqdn}"]),
            "api.example.com"
        );
    });
}

#[test]
fn every_error_of_an_object_is_told_at_once() {
    with_each_kubectl(|kubectl| {
        let typo = API.replace("protocol", "protcol");
        let complaint = kubectl.fails_with(&["apply", "-f", "-"], &typo);
        assert!(complaint.contains("unknown field \"spec.protcol\""), "{complaint}");

        let wrong = API.replace("H2", "http3").replace("fqdn: api.example.com", "fqdn: api.example.com, ip: 999.0.0.1");
        let complaint = kubectl.fails_with(&["apply", "-f", "-"], &wrong);
        assert!(complaint.contains("spec.protocol") && complaint.contains("spec.endpoints[0].ip"), "{complaint}");
        assert!(kubectl.fails_with(&["get", "backend", "api"], "").contains("not found"));
    });
}

#[test]
fn delete_waits_until_the_object_is_gone() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        kubectl.ok_with(&["apply", "-f", "-"], &API.replace("name: api", "name: web"));
        kubectl.ok(&["delete", "backend", "api", "--timeout=30s"]);
        assert_eq!(kubectl.ok(&["get", "backends", "-o", "name"]), "backend.core.apoxy.dev/web\n");
        kubectl.ok(&["delete", "backends", "--all", "--timeout=30s"]);
        assert_eq!(kubectl.ok(&["get", "backends", "-o", "name"]), "");
    });
}

#[test]
fn wait_and_watch_see_changes() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        // Nothing uses this Backend, and the control plane says so without any proxy.
        kubectl.ok(&["wait", "--for=condition=Accepted", "backend/api", "--timeout=30s"]);
        kubectl.ok(&["wait", "--for=jsonpath={.spec.protocol}=h2", "backend/api", "--timeout=30s"]);

        let mut watch = kubectl.command(&["get", "backends", "-w", "-o", "name"]);
        let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(watch.stdout.take().unwrap()));
        assert_eq!(lines.next().unwrap().unwrap(), "backend.core.apoxy.dev/api");
        kubectl.ok_with(&["apply", "-f", "-"], &API.replace("name: api", "name: web"));
        let seen = lines.find(|line| line.as_ref().is_ok_and(|line| line.ends_with("/web")));
        watch.kill().unwrap();
        watch.wait().unwrap();
        assert!(seen.is_some());
    });
}

#[test]
fn namespaced_kinds_and_secrets_work() {
    with_each_kubectl(|kubectl| {
        kubectl.ok(&["create", "namespace", "edge"]);
        kubectl.ok(&["create", "secret", "generic", "token", "-n", "edge", "--from-literal=key=value"]);
        assert_eq!(kubectl.ok(&["get", "secret", "token", "-n", "edge", "-o", "jsonpath={.data.key}"]), "dmFsdWU=");
        let everywhere = kubectl.ok(&["get", "secrets", "-A"]);
        assert!(everywhere.lines().next().unwrap().starts_with("NAMESPACE"), "{everywhere}");
        let missing = kubectl.fails_with(&["create", "secret", "generic", "token", "-n", "none"], "");
        assert!(missing.contains("namespaces \"none\" not found"), "{missing}");
        kubectl.ok(&["delete", "namespace", "edge", "--timeout=30s"]);
        assert_eq!(kubectl.ok(&["get", "secrets", "-A", "-o", "name"]), "");
    });
}

/// Whatever kubectl is told about fields that it does not know, what the Gateway API has and is not honoured is told.
#[test]
fn what_is_not_honoured_is_told_however_fields_are_validated() {
    with_each_kubectl(|kubectl| {
        for validation in ["strict", "warn", "ignore"] {
            let gateway = format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {validation}, namespace: default}}\n\
                 spec:\n  gatewayClassName: backstay\n\
                 \x20 listeners: [{{name: http, protocol: HTTP, port: 8080}}]\n\
                 \x20 tls: {{frontend: {{default: {{validation: {{caCertificateRefs: [{{group: \"\", kind: ConfigMap, name: ca}}]}}}}}}}}\n"
            );
            let validate = format!("--validate={validation}");
            let applied = kubectl.run(&["apply", &validate, "-f", "-"], &gateway);
            let told = String::from_utf8_lossy(&applied.stderr);
            assert!(applied.status.success(), "{told}");
            assert!(told.contains("Warning: spec.tls.frontend.default.validation is not supported"), "{told}");
            let object = format!("gateway/{validation}");
            kubectl.ok(&["wait", "--for=condition=Accepted=False", &object, "--timeout=30s"]);
            kubectl.ok(&["wait", "--for=condition=Programmed=False", &object, "--timeout=30s"]);
            let reason = "jsonpath={.status.conditions[?(@.type==\"Accepted\")].reason}";
            assert_eq!(kubectl.ok(&["get", &object, "-o", reason]), "UnsupportedValue");
        }
    });
}

#[test]
fn wait_sees_our_condition_though_another_was_merged_in_its_place() {
    with_each_kubectl(|kubectl| {
        let merge = r#"{"status":{"conditions":[{"type":"example.com/Audited","status":"True","reason":"Fine",
            "message":"","lastTransitionTime":"2020-01-02T03:04:05Z"}]}}"#;
        for name in ["one", "two", "three"] {
            kubectl.ok_with(&["apply", "-f", "-"], &API.replace("name: api", &format!("name: {name}")));
            let object = format!("backend/{name}");
            kubectl.ok(&["patch", &object, "--subresource=status", "--type=merge", "-p", merge]);
            for condition in ["Accepted", "example.com/Audited"] {
                kubectl.ok(&["wait", &format!("--for=condition={condition}"), &object, "--timeout=30s"]);
            }
        }
    });
}

#[test]
fn apply_on_the_server_shares_an_object_with_others() {
    with_each_kubectl(|kubectl| {
        let apply = ["apply", "--server-side", "-f", "-"];
        let (ours, theirs) = (API.replace("H2", "h2"), API.replace("H2", "tls"));
        let managers = "jsonpath={range .metadata.managedFields[*]}{.manager} {.operation} {.subresource};{end}";
        let applied = "backend.core.apoxy.dev/api serverside-applied\n";
        let version = || kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.metadata.resourceVersion}"]);
        assert_eq!(kubectl.ok_with(&apply, &ours), applied);
        kubectl.ok(&["wait", "--for=condition=Accepted", "backend/api", "--timeout=30s"]);
        let before = version();
        assert_eq!(kubectl.ok_with(&apply, &ours), applied);
        assert_eq!(version(), before, "what changes nothing is no write");
        assert_eq!(kubectl.ok(&["get", "backend", "api", "-o", managers]), "kubectl Apply ;backstay Update status;");
        assert!(!kubectl.ok(&["get", "backend", "api", "-o", "yaml"]).contains("managedFields"));
        let shown = kubectl.ok(&["get", "backend", "api", "-o", "yaml", "--show-managed-fields"]);
        assert!(shown.contains("f:endpoints: {}") && shown.contains("subresource: status"), "{shown}");

        let diff = kubectl.run(&["diff", "--server-side", "-f", "-"], &theirs);
        assert_eq!(diff.status.code(), Some(1), "{}", String::from_utf8_lossy(&diff.stderr));
        let lines = String::from_utf8_lossy(&diff.stdout).into_owned();
        assert!(lines.contains("-  protocol: h2") && lines.contains("+  protocol: tls"), "{lines}");
        assert_eq!(version(), before);

        let other = [&apply[..], &["--field-manager=other"]].concat();
        let conflict = kubectl.fails_with(&other, &theirs);
        assert!(
            conflict.contains("Apply failed with 1 conflict: conflict with \"kubectl\": .spec.protocol"),
            "{conflict}"
        );
        assert_eq!(kubectl.ok_with(&[&other[..], &["--force-conflicts"]].concat(), &theirs), applied);
        let conflict = kubectl.fails_with(&apply, &ours);
        assert!(conflict.contains("conflict with \"other\": .spec.protocol"), "{conflict}");
    });
}

#[test]
fn one_goes_over_to_apply_on_the_server_and_back() {
    with_each_kubectl(|kubectl| {
        let (first, second) = (API.replace("H2", "h2"), API.replace("H2", "tls"));
        let protocol = || kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.spec.protocol}"]);
        kubectl.ok_with(&["apply", "-f", "-"], &first);
        // What kubectl applied as a client is its own, so that nothing has to be forced.
        kubectl.ok_with(&["apply", "--server-side", "-f", "-"], &second);
        assert_eq!(protocol(), "tls");
        let managers = kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.metadata.managedFields[*].manager}"]);
        assert!(!managers.contains("kubectl-client-side-apply"), "{managers}");
        // A label that is left out goes, which only its owner could say.
        kubectl.ok_with(&["apply", "--server-side", "-f", "-"], &second.replace(", labels: {team: one}", ""));
        assert_eq!(kubectl.ok(&["get", "backend", "api", "-o", "jsonpath={.metadata.labels}"]), "");
        kubectl.ok_with(&["apply", "-f", "-"], &first);
        assert_eq!(protocol(), "h2");
    });
}

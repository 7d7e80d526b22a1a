//! What `apply --wait` and `check` say of manifests that are stored and not served, or not whole.

use std::process::Output;

use crate::harness::tls::Authority;
use crate::harness::{ControlPlane, Proxy, backstay, port};

const CLASS: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: envoy}\n\
                     spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}\n---\n";
const BACKEND: &str = "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {name: foo}\n\
                       spec: {endpoints: [{ip: 127.0.0.1}]}\n---\n";
const TO_FOO: &str = "  - backendRefs: [{group: core.apoxy.dev, kind: Backend, name: foo, port: 19000}]\n";

fn gateway(name: &str, class: &str, listeners: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: default}}\n\
         spec:\n  gatewayClassName: {class}\n  listeners:\n{listeners}---\n"
    )
}

fn http(port: u16) -> String {
    format!("  - {{name: http, port: {port}, protocol: HTTP}}\n")
}

fn https(port: u16, secret: &str) -> String {
    format!("  - {{name: https, port: {port}, protocol: HTTPS, tls: {{certificateRefs: [{{name: {secret}}}]}}}}\n")
}

fn route(name: &str, gateway: &str, rules: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}, namespace: default}}\n\
         spec:\n  parentRefs: [{{name: {gateway}}}]\n  rules:\n{rules}---\n"
    )
}

struct Site {
    control_plane: ControlPlane,
    files: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { control_plane: ControlPlane::start(), files: tempfile::tempdir().unwrap() }
    }

    fn file(&self, text: &str) -> String {
        let path = self.files.path().join("f.yaml");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn apply(&self, text: &str) -> (Option<i32>, String) {
        let server = self.control_plane.server();
        said(&backstay(["apply", "--wait", "--timeout", "20s", "-f", &self.file(text), "--server", &server]))
    }

    /// What `check` says, and how it exits.
    fn check(&self, text: &str) -> (Option<i32>, String) {
        said(&backstay(["check", "-f", &self.file(text)]))
    }

    /// Waiting fails for this reason, and `check` has a word on it.
    fn breaks(&self, text: &str, waits: &str, checks: &str) {
        let (code, said) = self.apply(text);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(waits), "{waits}: {said}");
        let (_, said) = self.check(text);
        assert!(said.contains(checks), "{checks}: {said}");
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_class_that_is_not_there_or_another_controllers() {
    let site = Site::new();
    let _proxy = Proxy::start(site.control_plane.xds());
    let web = gateway("web", "envoy", &http(port::free()));
    let missing = "GatewayClass envoy does not exist";
    site.breaks(&web, missing, missing);
    // It turns out to be another controller's: nothing of what was said stays.
    let foreign = "is of the controller gateway.envoyproxy.io/gatewayclass-controller";
    site.breaks(&format!("{CLASS}{web}"), foreign, foreign);
    let server = site.control_plane.server();
    let stored = backstay(["get", "gateway/web", "-o", "json", "--server", &server]);
    let stored: serde_json::Value = serde_json::from_slice(&stored.stdout).unwrap();
    assert_eq!(stored["status"].get("conditions"), None, "{stored:#}");
}

#[test]
fn a_listener_without_its_secret() {
    let site = Site::new();
    let _proxy = Proxy::start(site.control_plane.xds());
    let (plain, secure) = (port::free(), port::free());
    let web = gateway("web", "backstay", &(http(plain) + &https(secure, "web-tls")));
    let manifests = format!("{web}{BACKEND}{}", route("r", "web", TO_FOO));
    let missing = "Secret default/web-tls does not exist";
    site.breaks(&manifests, missing, missing);
    // With it, all that the files promise is there.
    let secret = Authority::new().issue(&["a.example"]).secret("web-tls").to_string();
    let (code, said) = site.apply(&format!("{secret}\n---\n{manifests}"));
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

#[test]
fn listeners_of_which_none_can_be_served() {
    let site = Site::new();
    let _proxy = Proxy::start(site.control_plane.xds());
    let listeners =
        https(port::free(), "none") + &format!("  - {{name: tcp, port: {}, protocol: TCP}}\n", port::free());
    let web = gateway("web", "backstay", &listeners);
    site.breaks(
        &web,
        "listener https: ResolvedRefs is False (InvalidCertificateRef)",
        "protocol \"TCP\" is not supported",
    );
}

#[test]
fn a_route_of_which_one_rule_cannot_be_honoured() {
    let site = Site::new();
    let _proxy = Proxy::start(site.control_plane.xds());
    let filter = "    filters: [{type: ExtensionRef, extensionRef: {group: gateway.nginx.org, kind: AuthenticationFilter, name: a}}]\n";
    let rules = format!("{TO_FOO}{TO_FOO}    matches: [{{path: {{value: /admin}}}}]\n{filter}");
    let manifests =
        format!("{BACKEND}{}{}", gateway("web", "backstay", &http(port::free())), route("part", "web", &rules));
    site.breaks(
        &manifests,
        "part is not served whole by web: PartiallyInvalid is True",
        "spec.rules[1]: answers with 500",
    );
    assert_eq!(site.check(&manifests).0, Some(1));
}

#[test]
fn references_to_services_are_told_though_no_proxy_is_connected_and_take_no_others_time() {
    let site = Site::new();
    let web = gateway("web2", "backstay", &http(port::free()));
    let manifests = format!("{web}{}", route("r2", "web2", "  - backendRefs: [{name: foo, port: 80}]\n"));
    let server = site.control_plane.server();
    let file = site.file(&manifests);
    let (code, said) = said(&backstay(["apply", "--wait", "--timeout", "3s", "-f", &file, "--server", &server]));
    assert_eq!(code, Some(1));
    assert!(said.contains("web2 is not served whole: listener http: no proxy of default is connected"), "{said}");
    assert!(said.contains("r2 is not served by web2: ResolvedRefs is False (InvalidKind)"), "{said}");
    let (code, said) = site.check(&manifests);
    assert_eq!(code, Some(1));
    assert!(said.contains("spec.rules[0].backendRefs[0]: kind Service of group \"\" is not served"), "{said}");
}

#[test]
fn status_lists_what_is_not_in_force_and_so_do_the_figures() {
    let site = Site::new();
    let web = gateway("web", "backstay", &https(port::free(), "none"));
    let (server, file) = (site.control_plane.server(), site.file(&web));
    assert_eq!(backstay(["status", "--exit-code", "--server", &server]).status.code(), Some(0));
    let (code, _) = said(&backstay(["apply", "--wait", "-f", &file, "--server", &server]));
    assert_eq!(code, Some(1));
    let status = backstay(["status", "--exit-code", "--server", &server]);
    assert_eq!(status.status.code(), Some(1));
    let printed = String::from_utf8_lossy(&status.stdout);
    let line = "Gateway default/web, listener https: ResolvedRefs (InvalidCertificateRef)";
    assert!(printed.contains(line), "{printed}");
    assert!(printed.lines().filter(|line| line.starts_with("FLEET")).all(|line| line.len() <= 80), "{printed}");
    let routes = backstay(["get", "gateways", "--server", &server]);
    assert!(String::from_utf8_lossy(&routes.stdout).contains("False"), "{routes:?}");
}

#[tokio::test]
async fn a_route_says_when_a_weight_is_in_force() {
    let site = Site::new();
    let _proxy = Proxy::start(site.control_plane.xds());
    let rules = |weight: u32| {
        format!(
            "  - backendRefs: [{{group: core.apoxy.dev, kind: Backend, name: foo, port: 19000, weight: {weight}}}]\n"
        )
    };
    let web = gateway("web", "backstay", &http(port::free()));
    let programmed = async |generation: i64| {
        let route = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/canary";
        let stored = site.control_plane.rest().read(route).await;
        let own = &stored["status"]["conditions"][0];
        let parent = stored["status"]["parents"][0]["conditions"].as_array().unwrap().clone();
        let parent = parent.into_iter().find(|condition| condition["type"] == "Programmed").unwrap();
        for condition in [own, &parent] {
            assert_eq!(condition["type"], "Programmed", "{stored:#}");
            assert_eq!((&condition["status"], &condition["observedGeneration"]), (&"True".into(), &generation.into()));
        }
    };
    assert_eq!(site.apply(&format!("{BACKEND}{web}{}", route("canary", "web", &rules(1)))), (Some(0), String::new()));
    programmed(1).await;
    assert_eq!(site.apply(&route("canary", "web", &rules(9))), (Some(0), String::new()));
    programmed(2).await;
}

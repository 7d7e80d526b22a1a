use super::find;
use crate::manifest::{Manifests, Problem};

fn manifests(text: &str) -> Manifests {
    let mut manifests = Manifests::default();
    manifests.add("f.yaml", text);
    assert_eq!(manifests.problems, []);
    manifests
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

const BACKEND: &str = "\
apiVersion: core.apoxy.dev/v1alpha2
kind: Backend
metadata: {name: foo}
spec: {endpoints: [{ip: 127.0.0.1}]}
---
";

fn gateway(spec: &str) -> String {
    format!("apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: web}}\nspec:\n{spec}---\n")
}

fn served() -> String {
    gateway("  gatewayClassName: backstay\n  listeners:\n  - {name: http, port: 8080, protocol: HTTP}\n")
}

fn route(rules: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec:\n  parentRefs: [{{name: web}}]\n  rules:\n{rules}---\n"
    )
}

const TO_FOO: &str = "  - backendRefs: [{group: core.apoxy.dev, kind: Backend, name: foo, port: 80}]\n";

#[test]
fn what_is_whole_has_nothing_said_of_it() {
    let found = find(&manifests(&format!("{BACKEND}{}{}", served(), route(TO_FOO))).documents, None);
    assert_eq!((lines(&found.problems), lines(&found.warnings)), (vec![], vec![]));
}

#[test]
fn references_to_services_written_out_and_by_default() {
    let rules = "  - backendRefs: [{name: foo, port: 80}]\n  - backendRefs: [{group: \"\", kind: Service, name: foo, port: 80}]\n";
    let found = lines(&find(&manifests(&(served() + &route(rules))).documents, None).problems);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("f.yaml:15:19: HTTPRoute/r: spec.rules[0].backendRefs[0]: kind Service"), "{found:?}");
    assert!(found[1].contains("spec.rules[1].backendRefs[0]: kind Service"), "{found:?}");
}

#[test]
fn filters_that_are_not_honoured() {
    let filter = "    filters: [{type: ExtensionRef, extensionRef: {group: gateway.nginx.org, kind: AuthenticationFilter, name: a}}]\n";
    let text = format!("{BACKEND}{}{}", served(), route(&format!("{TO_FOO}{TO_FOO}{filter}")));
    let found = lines(&find(&manifests(&text).documents, None).problems);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("HTTPRoute/r: spec.rules[1]: answers with 500"), "{found:?}");
}

#[test]
fn listeners_of_protocols_that_are_not_served_and_missing_secrets() {
    let listeners = "  gatewayClassName: backstay\n  listeners:\n  - {name: tcp, port: 9000, protocol: TCP}\n  - {name: https, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}\n";
    let found = find(&manifests(&gateway(listeners)).documents, None);
    let (problems, warnings) = (lines(&found.problems), lines(&found.warnings));
    assert!(
        problems.iter().any(|line| line.starts_with("f.yaml:7:5: Gateway/web: spec.listeners[0]: ")),
        "{problems:?}"
    );
    let secret = "spec.listeners[1].tls.certificateRefs[0]: Secret default/none does not exist";
    assert!(warnings.iter().any(|line| line.contains(secret)), "{warnings:?}");
}

#[test]
fn classes_that_are_not_there_and_those_of_other_controllers() {
    let foreign = gateway("  gatewayClassName: envoy\n  listeners:\n  - {name: http, port: 8080, protocol: HTTP}\n");
    let class = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: envoy}\nspec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}\n---\n";
    let missing = lines(&find(&manifests(&foreign).documents, None).warnings);
    assert_eq!(missing, ["f.yaml:5:3: Gateway/web: spec.gatewayClassName: GatewayClass envoy does not exist"]);
    let text = format!("{class}{foreign}{BACKEND}{}", route(TO_FOO));
    let found = find(&manifests(&text).documents, None);
    let warnings = lines(&found.warnings);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings.iter().all(|line| line.ends_with("gatewayclass-controller: Backstay does not serve it")),
        "{warnings:?}"
    );
    assert_eq!(found.problems, []);
}

#[test]
fn sections_that_no_listener_has_and_ports_that_are_missing() {
    let route = route("  - backendRefs: [{kind: Backend, name: foo}]\n")
        .replace("{name: web}", "{name: web, sectionName: htp}");
    let found = lines(&find(&manifests(&format!("{BACKEND}{}{route}", served())).documents, None).problems);
    assert!(
        found.iter().any(|line| line.contains("spec.parentRefs[0]: Gateway default/web has no listener htp")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|line| line.contains("spec.rules[0].backendRefs[0]: Backend foo needs a port")),
        "{found:?}"
    );
}

#[test]
fn two_policies_for_one_backend() {
    let policy = |name: &str| {
        format!(
            "apiVersion: backstay.dev/v1alpha1\nkind: BackendPolicy\nmetadata: {{name: {name}}}\nspec: {{targetRefs: [{{group: core.apoxy.dev, kind: Backend, name: foo}}]}}\n---\n"
        )
    };
    let text = format!("{BACKEND}{}{}", policy("a"), policy("b"));
    let found = lines(&find(&manifests(&text).documents, None).problems);
    assert!(found.iter().any(|line| line.contains("BackendPolicy/b")), "{found:?}");
}

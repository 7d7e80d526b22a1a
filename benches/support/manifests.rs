//! Manifests, as YAML documents appended to a text.

use std::fmt::Write as _;

/// A Gateway `web` with listeners given in YAML.
pub fn gateway(text: &mut String, listeners: &str) {
    let _ = writeln!(
        text,
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: web, namespace: default}}\n\
         spec: {{gatewayClassName: backstay, listeners: [{listeners}]}}"
    );
}

pub fn backend(text: &mut String, name: &str, spec: &str) {
    let head = "---\napiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\n";
    let _ = writeln!(text, "{head}metadata: {{name: {name}}}\nspec: {spec}");
}

/// A rule of an HTTPRoute, in YAML.
pub fn rule(prefix: &str, backend: &str, port: u16) -> String {
    format!(
        "{{matches: [{{path: {{type: PathPrefix, value: {prefix}}}}}], backendRefs: [{{group: core.apoxy.dev, kind: Backend, name: {backend}, port: {port}}}]}}"
    )
}

pub fn route(text: &mut String, name: &str, rules: &[String]) {
    let head = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n";
    let rules = rules.join(", ");
    let _ = writeln!(
        text,
        "{head}metadata: {{name: {name}, namespace: default}}\nspec: {{parentRefs: [{{name: web}}], rules: [{rules}]}}"
    );
}

/// `count` Backends with one address each, and for each a route by path: `/rN` leads to Backend `bN`.
pub fn many(text: &mut String, count: usize, port: u16) {
    /// The most rules that one HTTPRoute takes.
    const RULES: usize = 16;
    let numbers: Vec<usize> = (0..count).collect();
    for number in &numbers {
        backend(text, &format!("b{number}"), "{endpoints: [{ip: 127.0.0.1}]}");
    }
    for (index, numbers) in numbers.chunks(RULES).enumerate() {
        let rules: Vec<_> = numbers.iter().map(|n| rule(&format!("/r{n}"), &format!("b{n}"), port)).collect();
        route(text, &format!("r{index}"), &rules);
    }
}

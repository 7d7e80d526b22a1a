use backstay_control_plane::compile;
use backstay_resources::check::admit;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::{Asked, Search};
use crate::manifest::Manifests;

const FILES: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  gatewayClassName: backstay
  listeners:
  - {name: all, port: 8080, protocol: HTTP}
  - {name: shop, port: 8080, protocol: HTTP, hostname: '*.shop.example'}
---
apiVersion: core.apoxy.dev/v1alpha2
kind: Backend
metadata: {name: app}
spec: {endpoints: [{ip: 192.0.2.1}, {fqdn: app.internal}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: default}
spec:
  parentRefs: [{name: web}]
  hostnames: [a.example]
  rules:
  - matches: [{path: {value: /cart}, method: POST}]
    backendRefs: [{kind: Backend, name: app, port: 81}]
  - matches: [{path: {value: /cart}, headers: [{name: x-canary, value: '1'}]}]
    backendRefs: [{kind: Backend, name: app, port: 82, weight: 9}]
  - matches: [{path: {value: /}}]
    backendRefs: [{kind: Backend, name: app, port: 83}]
  - matches: [{path: {value: /lost}}]
    backendRefs: [{kind: Backend, name: missing, port: 83}]
";

fn explained(url: &str, method: Method, header: Option<(&'static str, &'static str)>) -> Vec<String> {
    let mut manifests = Manifests::default();
    manifests.add("f.yaml", FILES);
    let admitted = |document: &crate::manifest::Document| {
        let mut object: Value = document.object.clone();
        if object["metadata"]["namespace"].is_null() && document.kind().unwrap().is_namespaced() {
            object["metadata"]["namespace"] = json!("default");
        }
        let kind = document.kind().unwrap();
        (kind, admit(kind, object, None).unwrap().object)
    };
    let objects: Vec<_> = manifests.documents.iter().map(admitted).collect();
    let uri: Uri = url.parse().unwrap();
    let mut headers = HeaderMap::new();
    headers.extend(header.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())));
    let asked = Asked {
        is_tls: false,
        host: uri.host().unwrap().to_owned(),
        port: uri.port_u16().unwrap_or(80),
        method,
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers,
    };
    let search = Search::new(compile(objects.clone()), objects);
    search.explain("default", &asked).into_iter().map(|finding| finding.text).collect()
}

#[track_caller]
fn says(lines: &[String], wanted: &[&str]) {
    for wanted in wanted {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}: {lines:#?}");
    }
}

#[test]
fn the_way_of_a_request_from_listener_to_endpoints() {
    let lines = explained("http://a.example:8080/cart", Method::POST, None);
    says(
        &lines,
        &[
            "listener/default/web/all: takes it, for any host",
            "listener/default/web/shop: is for *.shop.example, not for a.example",
            "route/default/r rule 0: serves it",
            "backend/app, weight 1, port 81: 192.0.2.1, app.internal",
            "route/default/r rule 1: the header x-canary is not as it says",
            "route/default/r rule 2: matches as well; a more specific or earlier match comes first",
            "route/default/r rule 3: the path is not /lost or below",
        ],
    );
}

#[test]
fn the_same_request_with_another_header_goes_elsewhere() {
    let lines = explained("http://a.example:8080/cart", Method::GET, Some(("x-canary", "1")));
    says(&lines, &["route/default/r rule 1: serves it", "route/default/r rule 0: the method is not POST"]);
}

#[test]
fn what_is_not_served_says_why() {
    let lines = explained("http://b.example:8080/", Method::GET, None);
    says(
        &lines,
        &["route/default/r: is for a.example, not for b.example", "no route has a match for it: the proxy answers 404"],
    );
    // A listener owns its host names, whatever another routes.
    let lines = explained("http://x.shop.example:8080/", Method::GET, None);
    says(
        &lines,
        &[
            "listener/default/web/shop: takes it, for *.shop.example",
            "no route has a match for it: the proxy answers 404",
        ],
    );
    let lines = explained("http://a.example:8080/lost", Method::GET, None);
    says(&lines, &["route/default/r rule 3: serves it", "the proxy answers 500"]);
    let lines = explained("http://a.example/", Method::GET, None);
    says(
        &lines,
        &["listener/default/web/all: http on port 8080", "no listener has http on port 80: the connection is refused"],
    );
}

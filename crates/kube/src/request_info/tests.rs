use super::*;

fn told(method: &Method, target: &str) -> String {
    let uri: Uri = target.parse().unwrap();
    let asked = attributes(method, &uri);
    if !asked.is_resource() {
        return format!("{} {}", asked.verb, asked.path);
    }
    let Attributes { verb, group, namespace, name, .. } = &asked;
    format!("{verb} {group}:{} {namespace}/{name}", asked.full_resource())
}

#[test]
fn requests_are_about_what_kubernetes_takes_them_for() {
    for (method, target, expected) in [
        (Method::GET, "/api/v1/namespaces/shop/secrets/x", "get :secrets shop/x"),
        (Method::HEAD, "/api/v1/namespaces/shop/secrets", "list :secrets shop/"),
        (Method::GET, "/api/v1/secrets?watch=1", "watch :secrets /"),
        (Method::GET, "/api/v1/secrets?watch", "watch :secrets /"),
        (Method::GET, "/api/v1/secrets?watch=0", "list :secrets /"),
        (Method::GET, "/api/v1/secrets?fieldSelector=metadata.name%3Dx", "list :secrets /x"),
        (Method::GET, "/api/v1/secrets?fieldSelector=metadata.name%21%3Dx", "list :secrets /"),
        (Method::GET, "/api/v1/secrets?fieldSelector=metadata.name%3Dx,type%3Dy", "list :secrets /"),
        (Method::POST, "/apis/core.apoxy.dev/v1alpha2/backends", "create core.apoxy.dev:backends /"),
        (Method::PUT, "/apis/core.apoxy.dev/v1alpha2/backends/x/status", "update core.apoxy.dev:backends/status /x"),
        (Method::PATCH, "/apis/core.apoxy.dev/v1alpha2/backends/x", "patch core.apoxy.dev:backends /x"),
        (Method::DELETE, "/apis/core.apoxy.dev/v1alpha2/backends/x", "delete core.apoxy.dev:backends /x"),
        (Method::DELETE, "/apis/core.apoxy.dev/v1alpha2/backends", "deletecollection core.apoxy.dev:backends /"),
        (Method::GET, "/api/v1/namespaces", "list :namespaces /"),
        (Method::GET, "/api/v1/namespaces/shop", "get :namespaces shop/shop"),
        (Method::PATCH, "/api/v1/namespaces/shop/status", "patch :namespaces/status shop/shop"),
        (Method::GET, "/api/v1", "get /api/v1"),
        (Method::GET, "/apis/core.apoxy.dev/v1alpha2", "get /apis/core.apoxy.dev/v1alpha2"),
        (Method::POST, "/metrics", "post /metrics"),
    ] {
        assert_eq!(told(&method, target), expected, "{method} {target}");
    }
}

#[test]
fn other_spellings_of_a_path_are_the_same_path() {
    for target in ["//api/v1/secrets/", "/api/v1/%73ecrets", "/%61pi/v1/secrets"] {
        assert_eq!(told(&Method::GET, target), "list :secrets /", "{target}");
    }
    assert_eq!(told(&Method::GET, "/api/v1/%zz"), "get /api/v1/%zz");
}

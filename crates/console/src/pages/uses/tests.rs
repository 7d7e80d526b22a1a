use serde_json::json;

use super::*;

fn object(kind: &str, namespace: &str, name: &str) -> Object {
    let kind = Kind {
        group: String::new(),
        version: "v1".to_owned(),
        plural: String::new(),
        kind: kind.to_owned(),
        namespaced: !namespace.is_empty(),
        verbs: Vec::new(),
    };
    Object { kind, namespace: namespace.to_owned(), name: name.to_owned() }
}

#[test]
fn references_mean_what_they_say_and_what_they_do_not() {
    let gateway = json!({"metadata": {"namespace": "shop"}, "spec": {"gatewayClassName": "backstay",
        "infrastructure": {"parametersRef": {"kind": "Proxy", "name": "edge"}},
        "listeners": [{"tls": {"certificateRefs": [{"name": "own"}, {"name": "far", "namespace": "other"}]}}]}});
    let route = json!({"metadata": {"namespace": "shop"}, "spec": {"parentRefs": [{"name": "web"}],
        "rules": [{"backendRefs": [{"kind": "Backend", "name": "app"}, {"name": "service"}]}]}});
    let policy = json!({"metadata": {"name": "p"}, "spec": {"tls": {"caCertificateRef": {"name": "authority"}}}});
    for (item, kind, namespace, name, expected) in [
        (&gateway, "GatewayClass", "", "backstay", true),
        (&gateway, "Proxy", "", "edge", true),
        (&gateway, "Secret", "shop", "own", true),
        (&gateway, "Secret", "other", "own", false),
        (&gateway, "Secret", "other", "far", true),
        (&gateway, "Backend", "", "own", false),
        (&route, "Gateway", "shop", "web", true),
        (&route, "Gateway", "default", "web", false),
        (&route, "Backend", "", "app", true),
        (&route, "Backend", "", "service", false),
        (&policy, "Secret", "default", "authority", true),
        (&policy, "Secret", "shop", "authority", false),
    ] {
        assert_eq!(names(item, &object(kind, namespace, name)), expected, "{kind} {namespace}/{name} in {item}");
    }
}

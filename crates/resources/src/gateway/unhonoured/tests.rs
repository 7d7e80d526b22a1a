use serde_json::{Value, json};

use crate::admit;
use crate::gateway::{GATEWAY, HTTP_ROUTE};
use crate::kind::Kind;

fn warnings(kind: &Kind, spec: Value) -> Vec<String> {
    admit(kind, json!({"metadata": {"name": "a"}, "spec": spec}), None).unwrap().warnings
}

fn gateway(more: Value) -> Vec<String> {
    let mut spec =
        json!({"gatewayClassName": "backstay", "listeners": [{"name": "l", "port": 80, "protocol": "HTTP"}]});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    warnings(&GATEWAY, spec)
}

#[test]
fn who_writes_what_is_not_honoured_is_told() {
    assert_eq!(
        gateway(json!({"allowedListeners": {"namespaces": {"from": "All"}}})),
        ["spec.allowedListeners is not supported: the Gateway is not accepted, and served without it"]
    );
    let authorities = json!([{"group": "", "kind": "ConfigMap", "name": "ca"}]);
    assert_eq!(
        gateway(json!({"tls": {"frontend": {"default": {"validation": {"caCertificateRefs": authorities}}}}})),
        ["spec.tls.frontend.default.validation is not supported: the Gateway is not served"]
    );
    assert_eq!(
        gateway(json!({"infrastructure": {"annotations": {"a": "b"}}})),
        ["spec.infrastructure.annotations has no effect: nothing is created on behalf of a Gateway"]
    );
    let filter = json!({"type": "CORS", "cors": {}});
    let rule = json!({"retry": {}, "filters": [filter], "backendRefs": [{"name": "b", "filters": [filter]}]});
    assert_eq!(
        warnings(&HTTP_ROUTE, json!({"useDefaultGateways": "All", "rules": [rule]})),
        [
            "spec.useDefaultGateways is not supported: the route is not accepted, and served without it",
            "spec.rules[0].retry is not supported: the rule is not accepted, and served without it",
            "spec.rules[0].backendRefs[0].filters: a filter of type CORS is not supported: the rule is answered with 500",
        ]
    );
}

#[test]
fn what_asks_for_nothing_is_honoured() {
    for more in [
        json!({}),
        json!({"allowedListeners": {}, "defaultScope": "None", "tls": {}}),
        json!({"allowedListeners": {"namespaces": {"from": "None"}}, "tls": {"backend": {}, "frontend": {"default": {}}}}),
    ] {
        assert_eq!(gateway(more.clone()), [""; 0], "{more}");
    }
    assert_eq!(warnings(&HTTP_ROUTE, json!({"useDefaultGateways": "None"})), [""; 0]);
}

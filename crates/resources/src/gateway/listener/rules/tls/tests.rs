use serde_json::{Value, json};

use crate::admit;
use crate::gateway::GATEWAY;

fn gateway(more: Value) -> Value {
    let listener = json!({"name": "l", "port": 80, "protocol": "HTTP"});
    let mut gateway = json!({"metadata": {"name": "g"}, "spec": {"gatewayClassName": "c", "listeners": [listener]}});
    gateway["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    gateway
}

fn authorities(more: Value) -> Value {
    let mut authority = json!({"group": "", "kind": "ConfigMap", "name": "ca"});
    authority.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"validation": {"caCertificateRefs": [authority]}})
}

#[test]
fn what_gateway_api_fills_in_for_clients_certificates() {
    let tls = json!({"frontend": {"default": authorities(json!({})), "perPort": [{"port": 443, "tls": authorities(json!({}))}]},
        "backend": {"clientCertificateRef": {"name": "c"}}});
    let spec = admit(&GATEWAY, gateway(json!({"tls": tls, "allowedListeners": {}})), None).unwrap().object.body;
    let spec = &spec["spec"];
    assert_eq!(spec["tls"]["frontend"]["default"]["validation"]["mode"], "AllowValidOnly");
    assert_eq!(spec["tls"]["frontend"]["perPort"][0]["tls"]["validation"]["mode"], "AllowValidOnly");
    assert_eq!(spec["tls"]["backend"]["clientCertificateRef"], json!({"group": "", "kind": "Secret", "name": "c"}));
    assert_eq!(spec["allowedListeners"], json!({"namespaces": {"from": "None"}}));
}

#[test]
fn tls_of_all_listeners_is_checked_though_it_is_not_honoured() {
    let port = |port: i32| json!({"port": port, "tls": {}});
    for (tls, wrong) in [
        (json!({"frontend": {}}), "frontend.default: Required value"),
        (
            json!({"frontend": {"default": {"validation": {}}}}),
            "frontend.default.validation.caCertificateRefs: Required",
        ),
        (
            json!({"frontend": {"default": authorities(json!({"name": ""}))}}),
            "frontend.default.validation.caCertificateRefs[0].name: Required value",
        ),
        (
            json!({"frontend": {"default": authorities(json!({"group": "certificates.k8s.io", "kind": "ClusterTrustBundle", "namespace": "a"}))}}),
            "frontend.default.validation.caCertificateRefs[0].namespace: Forbidden",
        ),
        (json!({"frontend": {"default": {}, "perPort": [port(0)]}}), "frontend.perPort[0].port: Invalid value"),
        (json!({"frontend": {"default": {}, "perPort": [port(1), port(1)]}}), "frontend.perPort[1].port: Duplicate"),
        (json!({"frontend": {"default": {}, "perPort": [{"port": 1}]}}), "frontend.perPort[0].tls: Required value"),
        (json!({"backend": {"clientCertificateRef": {}}}), "backend.clientCertificateRef.name: Required value"),
    ] {
        let found = admit(&GATEWAY, gateway(json!({ "tls": tls })), None).unwrap_err();
        assert_eq!(found.len(), 1, "{tls}: {found:?}");
        assert!(found[0].to_string().starts_with(&format!("spec.tls.{wrong}")), "{tls}: {found:?}");
    }
    let selector = admit(&GATEWAY, gateway(json!({"allowedListeners": {"namespaces": {"from": "Selector"}}})), None);
    assert!(selector.unwrap_err()[0].to_string().starts_with("spec.allowedListeners.namespaces.selector: Required"));
}

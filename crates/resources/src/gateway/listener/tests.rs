use serde_json::{Value, json};

use super::super::{APOXY_GATEWAY, GATEWAY};
use super::Gateway;
use crate::admit;
use crate::object::Object;

fn gateway(listeners: Value) -> Value {
    json!({"metadata": {"name": "g"}, "spec": {"gatewayClassName": "backstay", "listeners": listeners}})
}

fn admitted(listeners: Value) -> Object {
    admit(&GATEWAY, gateway(listeners), None).unwrap().object
}

fn rejected(value: Value) -> Vec<String> {
    admit(&GATEWAY, value, None).unwrap_err().iter().map(ToString::to_string).collect()
}

fn errors(listeners: Value) -> Vec<String> {
    rejected(gateway(listeners))
}

fn http() -> Value {
    json!({"name": "http", "port": 80, "protocol": "HTTP"})
}

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

#[test]
fn what_the_schema_of_gateway_api_fills_in() {
    let object = admitted(json!([
        with(
            http(),
            json!({
                "name": "https", "port": 443, "protocol": "HTTPS", "hostname": "",
                "tls": {"certificateRefs": [{"name": "c"}]}, "allowedRoutes": {"kinds": [{"kind": "HTTPRoute"}]}
            })
        ),
        http()
    ]));
    assert_eq!(
        object.body["spec"]["listeners"],
        json!([
            {
                "name": "https", "port": 443, "protocol": "HTTPS",
                "tls": {"certificateRefs": [{"name": "c", "group": "", "kind": "Secret"}], "mode": "Terminate"},
                "allowedRoutes": {
                    "kinds": [{"kind": "HTTPRoute", "group": "gateway.networking.k8s.io"}], "namespaces": {"from": "Same"}
                }
            },
            {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}}
        ])
    );
    object.typed::<Gateway>().unwrap();
}

#[test]
fn apoxys_shape_of_the_fleet_reference() {
    let mut value = gateway(json!([http()]));
    for infrastructure in
        [json!({"parametersRef": {"kind": "Proxy", "name": "edge"}}), json!({"parametersRef": {"name": "edge"}})]
    {
        value["spec"]["infrastructure"] = infrastructure;
        let object = admit(&APOXY_GATEWAY, value.clone(), None).unwrap().object;
        assert_eq!(
            object.body["spec"]["infrastructure"]["parametersRef"],
            json!({"group": "core.apoxy.dev", "kind": "Proxy", "name": "edge"})
        );
    }
    value["spec"]["infrastructure"] = json!({});
    admit(&APOXY_GATEWAY, value.clone(), None).unwrap();
    value["spec"]["infrastructure"] = json!({"parametersRef": {"kind": "Proxy"}});
    assert_eq!(rejected(value), ["spec.infrastructure.parametersRef.name: Required value"]);
}

#[test]
fn a_class_and_a_listener_are_required() {
    assert_eq!(
        rejected(json!({"metadata": {"name": "g"}, "spec": {}})),
        ["spec.gatewayClassName: Required value", "spec.listeners: Required value: at least one listener"]
    );
    let many = |count: i32| -> Vec<Value> {
        (0..count).map(|n| with(http(), json!({"name": format!("l{n}"), "port": 1000 + n}))).collect()
    };
    admitted(json!(many(64)));
    assert_eq!(errors(json!(many(65))), ["spec.listeners: Too many: 65: must have at most 64 items"]);
}

#[test]
fn parts_of_a_listener() {
    let cases = [
        (json!({"name": "Http"}), "spec.listeners[0].name: Invalid value"),
        (json!({"name": ""}), "spec.listeners[0].name: Required value"),
        (json!({"port": 0}), "spec.listeners[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        (json!({"port": 65536}), "spec.listeners[0].port: Invalid value"),
        (json!({"protocol": ""}), "spec.listeners[0].protocol: Required value"),
        (json!({"protocol": "a b"}), "spec.listeners[0].protocol: Invalid value"),
        (
            json!({"hostname": "10.0.0.1"}),
            "spec.listeners[0].hostname: Invalid value: \"10.0.0.1\": must not be an IP address",
        ),
        (json!({"hostname": "*.10.0.0.1."}), "spec.listeners[0].hostname: Invalid value"),
        (json!({"protocol": "TCP", "hostname": "a.b"}), "spec.listeners[0].hostname: Forbidden"),
        (json!({"tls": {"certificateRefs": [{"name": "c"}]}}), "spec.listeners[0].tls: Forbidden"),
        (json!({"protocol": "HTTPS", "tls": {}}), "spec.listeners[0].tls.certificateRefs: Required value"),
        (json!({"protocol": "HTTPS", "tls": {"mode": "Passthrough"}}), "spec.listeners[0].tls.mode: Invalid value"),
        (
            json!({"protocol": "HTTPS", "tls": {"mode": "Other", "certificateRefs": [{"name": "c"}]}}),
            "spec.listeners[0].tls.mode: Unsupported value",
        ),
        (
            json!({"protocol": "HTTPS", "tls": {"certificateRefs": [{}]}}),
            "spec.listeners[0].tls.certificateRefs[0].name: Required",
        ),
        (
            json!({"allowedRoutes": {"namespaces": {"from": "Some"}}}),
            "spec.listeners[0].allowedRoutes.namespaces.from: Unsupported",
        ),
        (
            json!({"allowedRoutes": {"namespaces": {"from": "Selector"}}}),
            "spec.listeners[0].allowedRoutes.namespaces.selector: Req",
        ),
        (
            json!({"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}}}),
            "spec.listeners[0].allowedRoutes.namespaces.selector.matchExpressions[0].values: Required value",
        ),
    ];
    for (change, start) in cases {
        let found = errors(json!([with(http(), change.clone())]));
        assert_eq!(found.len(), 1, "{change}: {found:?}");
        assert!(found[0].starts_with(start), "{change}: {found:?}");
    }
}

#[test]
fn what_the_status_will_say_is_accepted() {
    for change in [
        json!({"protocol": "TCP"}),
        json!({"protocol": "UDP"}),
        json!({"protocol": "TLS", "tls": {"mode": "Passthrough"}}),
        json!({"protocol": "example.com/quic"}),
        json!({"protocol": "HTTPS"}),
        json!({"protocol": "HTTPS", "tls": {"options": {"example.com/a": "b"}}}),
        json!({"hostname": "*.example.com"}),
        json!({"allowedRoutes": {"kinds": [{"kind": "GRPCRoute"}], "namespaces": {"from": "All"}}}),
    ] {
        admitted(json!([with(http(), change)]));
    }
}

#[test]
fn listeners_differ() {
    let second = |change| json!([http(), with(http(), change)]);
    assert_eq!(errors(second(json!({"port": 81}))), [r#"spec.listeners[1].name: Duplicate value: "http""#]);
    assert_eq!(
        errors(second(json!({"name": "b"}))),
        [
            r#"spec.listeners[1]: Duplicate value: "80 HTTP": the combination of port, protocol and hostname must be unique"#
        ]
    );
    admitted(second(json!({"name": "b", "hostname": "a.b"})));
    admitted(second(json!({"name": "b", "protocol": "HTTPS"})));
}

#[test]
fn addresses() {
    let mut value = gateway(json!([http()]));
    value["spec"]["addresses"] =
        json!([{"value": "10.0.0.1"}, {"value": "10.0.0.1"}, {"value": "x"}, {"type": "Hostname", "value": "x"}, {}]);
    let found = rejected(value.clone());
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], r#"spec.addresses[1].value: Duplicate value: "10.0.0.1""#);
    assert!(found[1].starts_with("spec.addresses[2].value: Invalid value"));
    value["spec"]["addresses"] = json!([{"value": "::1"}]);
    let object = admit(&GATEWAY, value, None).unwrap().object;
    assert_eq!(object.body["spec"]["addresses"], json!([{"value": "::1", "type": "IPAddress"}]));
}

#[test]
fn rows() {
    let mut value = gateway(json!([http()]));
    value["status"] = json!({"addresses": [{"value": "10.0.0.1"}, {"value": "::1"}], "conditions": [
        {"type": "Programmed", "status": "Unknown", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Pending"}
    ]});
    let object = admit(&GATEWAY, value, None).unwrap().object;
    assert_eq!((GATEWAY.cells)(&object), [json!("backstay"), json!("10.0.0.1,::1"), json!("Unknown")]);
}

use serde_json::{Value, json};

use super::{REFERENCE_GRANT, ReferenceGrant};
use crate::admit;

fn grant(from: Value, to: Value) -> Value {
    json!({"metadata": {"name": "g", "namespace": "certificates"}, "spec": {"from": from, "to": to}})
}

fn from(namespace: &str) -> Value {
    json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": namespace})
}

fn lets(value: Value, namespace: &str, name: &str) -> bool {
    let object = admit(&REFERENCE_GRANT, value, None).unwrap().object;
    let spec = object.typed::<ReferenceGrant>().unwrap().spec;
    spec.lets(("gateway.networking.k8s.io", "Gateway"), namespace, ("", "Secret"), name)
}

#[test]
fn lets_in_what_it_names() {
    let secrets = json!([{"group": "", "kind": "Secret"}]);
    let only = json!([{"group": "", "kind": "Secret", "name": "one"}]);
    let route = json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "infra"});
    let cases = [
        (grant(json!([from("infra")]), secrets.clone()), true),
        (grant(json!([from("other"), from("infra")]), only), true),
        (grant(json!([from("other")]), secrets.clone()), false),
        (grant(json!([route]), secrets), false),
        (grant(json!([from("infra")]), json!([{"group": "", "kind": "Secret", "name": "two"}])), false),
        (grant(json!([from("infra")]), json!([{"group": "", "kind": "Service"}])), false),
        (grant(json!([from("infra")]), json!([{"group": "core", "kind": "Secret"}])), false),
    ];
    for (value, expected) in cases {
        assert_eq!(lets(value.clone(), "infra", "one"), expected, "{value}");
    }
}

#[test]
fn what_names_nobody_is_refused() {
    let errors = |value| {
        let errors = admit(&REFERENCE_GRANT, value, None).unwrap_err();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        errors(json!({"metadata": {"name": "g", "namespace": "n"}})),
        [
            "spec.from: Required value: at least one entry is wanted",
            "spec.to: Required value: at least one entry is wanted"
        ]
    );
    let many = vec![from("infra"); 17];
    let to = json!([{"group": "", "kind": ""}]);
    assert_eq!(
        errors(grant(json!(many), to)),
        ["spec.from: Too many: 17: must have at most 16 items", "spec.to[0].kind: Required value"]
    );
    let nowhere = json!([{"group": "", "kind": "Gateway"}]);
    let to = json!([{"group": "", "kind": "Secret"}]);
    assert_eq!(errors(grant(nowhere, to)), ["spec.from[0].namespace: Required value"]);
}

//! Services, of which there are none: a kind for clients that ask for them.

use std::sync::LazyLock;

use backstay_resources::{Kind, Scope, Verb, name};
use serde_json::{Value, json};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "description": "Services of Kubernetes, of which a control plane without a cluster has none.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    })
});

/// `services`, which can be read only: `kubectl cluster-info` asks for those of the control plane, and controllers of routes watch
/// them. Traffic goes to Backends.
pub(crate) static SERVICE: Kind = Kind {
    group: "",
    version: "v1",
    kind: "Service",
    plural: "services",
    singular: "service",
    scope: Scope::Namespaced,
    short_names: &["svc"],
    categories: &[],
    has_status: false,
    check_name: name::label,
    verbs: &[Verb::Get, Verb::List, Verb::Watch],
    sensitive: false,
    redact: None,
    schema: || &SCHEMA,
    columns: &[],
    cells: |_| Vec::new(),
    selectable: &[],
    default: |_| (),
    validate: |_, _| Vec::new(),
    warn: |_| Vec::new(),
};

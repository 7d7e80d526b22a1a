//! GatewayClass: which controller serves the Gateways that name it.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::listener::ParametersRef;
use crate::check::typed;
use crate::field::{FieldError, FieldPath, Findings};
use crate::kind::{Column, Kind, Scope, Verb};
use crate::meta::{Condition, ObjectMeta};
use crate::object::{Object, Resource};
use crate::{name, schema, table};

/// A class of Gateways.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayClass {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: GatewayClassSpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: GatewayClassStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassSpec {
    /// Who serves it. `backstay.dev/gateway-controller` is Backstay. Cannot be changed.
    #[serde(default)]
    pub controller_name: String,
    /// Parameters of the class. Backstay has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_ref: Option<ParametersRef>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassStatus {
    /// `Accepted`: Backstay serves it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// What of the Gateway API Backstay does, by the names that its conformance tests give, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub supported_features: Vec<SupportedFeature>,
}

/// A part of the Gateway API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupportedFeature {
    /// Such as `HTTPRouteMethodMatching`.
    #[serde(default)]
    pub name: String,
}

impl Resource for GatewayClass {
    const KIND: &'static Kind = &GATEWAY_CLASS;
}

/// `gatewayclasses.gateway.networking.k8s.io`.
pub static GATEWAY_CLASS: Kind = Kind { group: "gateway.networking.k8s.io", ..KIND };

/// The version of [`GATEWAY_CLASS`] before, with the same fields.
pub static GATEWAY_CLASS_V1BETA1: Kind = Kind { version: "v1beta1", ..GATEWAY_CLASS };

/// `gatewayclasses.gateway.apoxy.dev`.
pub static APOXY_GATEWAY_CLASS: Kind = KIND;

const KIND: Kind = Kind {
    group: "gateway.apoxy.dev",
    version: "v1",
    kind: "GatewayClass",
    plural: "gatewayclasses",
    singular: "gatewayclass",
    scope: Scope::Cluster,
    short_names: &["gc"],
    categories: &["gateway-api", "backstay"],
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<GatewayClass>,
    columns: COLUMNS,
    cells,
    selectable: &[],
    default: |_| (),
    validate: find,
    warn: |_| Vec::new(),
};

static COLUMNS: &[Column] = &[
    table::text("Controller", "Who serves the Gateways of this class."),
    table::text("Accepted", "Whether Backstay serves it."),
];

fn cells(object: &Object) -> Vec<Value> {
    vec![table::text_at(object, "/spec/controllerName").into(), table::condition(object, "Accepted")]
}

/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 64;

/// A DNS name and a path. Nothing only if the expression were malformed, which a test rules out.
static CONTROLLER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let domain = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    Regex::new(&format!(r"^{domain}/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$")).ok()
});

fn find(new: &Object, old: Option<&Object>) -> Vec<FieldError> {
    let class: GatewayClass = match typed(new) {
        Ok(class) => class,
        Err(errors) => return errors,
    };
    let spec = FieldPath::new("spec");
    let mut findings = Findings::default();
    let (path, controller) = (spec.child("controllerName"), &class.spec.controller_name);
    if findings.text(&path, controller, 253)
        && !CONTROLLER.as_ref().is_some_and(|expression| expression.is_match(controller))
    {
        let detail = "must be a DNS name and a path (e.g. 'backstay.dev/gateway-controller')";
        findings.invalid(&path, controller, detail);
    }
    if old.is_some_and(|old| table::text_at(old, "/spec/controllerName") != controller) {
        findings.invalid(&path, controller, "field is immutable");
    }
    if let Some(description) = &class.spec.description {
        findings.longest(&spec.child("description"), description, MAX_DESCRIPTION);
    }
    if let Some(parameters) = &class.spec.parameters_ref {
        let path = spec.child("parametersRef");
        findings.text(&path.child("kind"), &parameters.kind, 63);
        findings.text(&path.child("name"), &parameters.name, 253);
    }
    findings.finish()
}

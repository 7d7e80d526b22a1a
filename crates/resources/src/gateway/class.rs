//! GatewayClass: which controller serves the Gateways that name it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listener::ParametersRef;
use crate::kind::{Kind, Scope};
use crate::meta::{Condition, ObjectMeta};
use crate::object::Resource;
use crate::schema;

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
pub struct GatewayClassStatus {
    /// `Accepted`: Backstay serves it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl Resource for GatewayClass {
    const KIND: &'static Kind = &GATEWAY_CLASS;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}

/// `gatewayclasses.gateway.networking.k8s.io`.
pub static GATEWAY_CLASS: Kind = Kind { group: "gateway.networking.k8s.io", ..KIND };

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
    schema: schema::of::<GatewayClass>,
    columns: &[],
    cells: |_| Vec::new(),
    selectable: &[],
    default: |_| (),
    validate: |_, _| Vec::new(),
};

//! `KrakendConfig`: a configuration as an object of the API.

mod machinery;
mod rules;

use backstay_resources::{Condition, ObjectMeta};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::machinery::{KINDS, KRAKEND_CONFIG};
use crate::check::{Options, UnknownExtraConfig};
use crate::compile::Product;
use crate::document::Format;

/// A configuration of KrakenD, and where it is served.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KrakendConfig {
    /// Standard object metadata.
    pub metadata: ObjectMeta,
    /// What the user asks for.
    pub spec: KrakendConfigSpec,
    /// What the control plane observed.
    pub status: KrakendConfigStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct KrakendConfigSpec {
    /// The configuration, as a krakend.json has it. Either this or text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub config: Option<Map<String, Value>>,
    /// The configuration as a file, to the letter: problems are told by line and column. Either this or config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What text is written in. Default: JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<TextFormat>,
    /// What components of extra_config are that guard or change traffic and are not served. Default: Error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_extra_config: Option<UnknownComponents>,
    /// The Gateway whose listeners serve it, in place of the port, listen_ip and tls of the configuration. Default: a listener of its
    /// own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_ref: Option<GatewayRef>,
    /// Host names that it is served for: exact, or "*.example.com". Default: every host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
    /// The fleet of proxies that has its listener. Not with gatewayRef, which says it. Default: default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fleet: Option<String>,
    /// The files that the configuration names by path: keys, certificates, authorities. No others are opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"]))]
    pub files: Vec<ConfigFile>,
    /// Tokens that auth/revoker refuses, each as a claim's name, a dash and its value, such as jti-3f5b. One counts until it is taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub revoked_tokens: Vec<String>,
    /// Whether /__debug answers whatever the configuration says, as with krakend run -d. Default: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub debug: bool,
    /// How it shows itself. Default: as KrakenD 2.13 does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductSpec>,
}

/// What a text is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TextFormat {
    /// JSON.
    #[default]
    #[serde(rename = "JSON")]
    Json,
    /// YAML.
    #[serde(rename = "YAML")]
    Yaml,
    /// TOML.
    #[serde(rename = "TOML")]
    Toml,
}

/// What components are that guard or change traffic and are not served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UnknownComponents {
    /// The configuration is refused.
    #[default]
    Error,
    /// They are left out, with a warning.
    Warn,
}

/// A Gateway in the namespace of the configuration, or one of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewayRef {
    /// The group of its kind. Default: gateway.networking.k8s.io; gateway.apoxy.dev is for one of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its name.
    pub name: String,
    /// The only one of its listeners that serves. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
}

/// A file that a configuration names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigFile {
    /// The path by which the configuration names it.
    pub path: String,
    /// What is in it. Either this or secretRef.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where what is in it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

/// A key of a Secret in the namespace of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The Secret.
    pub name: String,
    /// Its key, such as tls.crt.
    pub key: String,
}

/// How a configuration shows itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ProductSpec {
    /// The version that the header X-Krakend tells clients. Default: 2.13.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// User-Agent towards backends, where the client's own does not go on. Default: "KrakenD Version" and the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct KrakendConfigStatus {
    /// `Accepted`: it can be served as it is. `Programmed`: every connected proxy that serves it has acknowledged it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
}

impl KrakendConfigSpec {
    /// The configuration as a text, and what that is written in. `None` where there is none.
    #[must_use]
    pub fn source(&self) -> Option<(String, Format)> {
        if let Some(text) = &self.text {
            let format = match self.format.unwrap_or_default() {
                TextFormat::Json => Format::Json,
                TextFormat::Yaml => Format::Yaml,
                TextFormat::Toml => Format::Toml,
            };
            return Some((text.clone(), format));
        }
        // An object always has a form in JSON.
        let config = self.config.as_ref()?;
        Some((serde_json::to_string(config).ok()?, Format::Json))
    }

    /// Whether problems have places that the user knows.
    pub(crate) fn has_places(&self) -> bool {
        self.text.is_some()
    }

    /// How it is checked.
    pub(crate) fn options(&self) -> Options {
        let unknown_extra_config = match self.unknown_extra_config.unwrap_or_default() {
            UnknownComponents::Error => UnknownExtraConfig::Error,
            UnknownComponents::Warn => UnknownExtraConfig::Warn,
        };
        Options { unknown_extra_config }
    }

    /// How it shows itself.
    pub(crate) fn product(&self) -> Product {
        let given = self.product.clone().unwrap_or_default();
        let version = given.version.unwrap_or_else(|| Product::VERSION.to_owned());
        let user_agent = given.user_agent.unwrap_or_else(|| format!("KrakenD Version {version}"));
        Product { version, user_agent }
    }
}

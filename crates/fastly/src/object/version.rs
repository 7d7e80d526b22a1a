use backstay_resources::{ObjectMeta, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Acl, Backend, CacheSettings, Condition, Dictionary, Director, Domain, Gzip, Header, Healthcheck, LogEndpoint,
    RequestSettings, ResponseObject, Settings, Snippet, Vcl,
};

/// A version of a service. Whether it is active is the service's to say, so that activating is one change of one object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FastlyVersion {
    /// Standard object metadata. The name is the service's identifier, a dot and the number.
    pub metadata: ObjectMeta,
    /// What is stored.
    pub spec: VersionSpec,
}

/// What is stored of a version. Lists are in the order in which their parts were made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct VersionSpec {
    /// Identifier of its service.
    pub service: String,
    /// From 1; never used twice.
    pub number: u32,
    /// Whether its parts can no longer change.
    pub locked: bool,
    /// A comment, which can change always.
    pub comment: String,
    /// What holds of the whole.
    pub settings: Settings,
    /// Origin servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<Backend>,
    /// The hosts it answers for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
    /// Probes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub healthchecks: Vec<Healthcheck>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Groups of backends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub directors: Vec<Director>,
    /// Changes of headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// How requests are treated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_settings: Vec<RequestSettings>,
    /// Responses that no backend is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_objects: Vec<ResponseObject>,
    /// What is compressed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gzips: Vec<Gzip>,
    /// What is cached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_settings: Vec<CacheSettings>,
    /// Access control lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acls: Vec<Acl>,
    /// Dictionaries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dictionaries: Vec<Dictionary>,
    /// VCL files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vcls: Vec<Vcl>,
    /// Pieces of VCL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub snippets: Vec<Snippet>,
    /// Log endpoints of every kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logging: Vec<LogEndpoint>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

//! What a line of the audit log says.
//!
//! Source: Kubernetes, `audit.k8s.io/v1` `Event`, at the level `Metadata`: neither bodies of requests nor of answers are in it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::attributes::Attributes;
use crate::identity::User;

/// Most of a request's target that a line has, in bytes.
const MAX_URI: usize = 4096;
/// Most of what a client says that it is, in bytes.
const MAX_AGENT: usize = 1024;
/// Most of an `Audit-Id` that is taken from a request, in bytes.
const MAX_ID: usize = 64;

/// When an event was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Stage {
    /// The answer has begun, and goes on for long: watches and streams.
    ResponseStarted,
    /// The request has been answered, or given up.
    ResponseComplete,
}

/// What a request was about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    #[serde(skip_serializing_if = "String::is_empty")]
    resource: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subresource: String,
}

impl ObjectRef {
    /// What the request was about; `None` of a path.
    #[must_use]
    pub fn of(asked: &Attributes<'_>) -> Option<Self> {
        asked.is_resource().then(|| Self {
            resource: asked.resource.to_string(),
            namespace: asked.namespace.to_string(),
            name: asked.name.to_string(),
            api_group: asked.group.to_string(),
            api_version: asked.version.to_string(),
            subresource: asked.subresource.to_string(),
        })
    }
}

/// An event. Times are of RFC 3339, in UTC, to the microsecond.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    kind: &'static str,
    api_version: &'static str,
    level: &'static str,
    /// One for each request, the same in all of its events and in its answer.
    #[serde(rename = "auditID")]
    pub audit_id: String,
    /// When it was written.
    pub stage: Stage,
    #[serde(rename = "requestURI")]
    request_uri: String,
    /// What was to be done.
    pub verb: String,
    /// Who sent it.
    #[serde(serialize_with = "told")]
    pub user: User,
    /// For whom, where that is somebody else.
    #[serde(serialize_with = "told_of_other", skip_serializing_if = "Option::is_none")]
    pub impersonated_user: Option<User>,
    /// Where from, the nearest last.
    #[serde(rename = "sourceIPs", skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_agent: String,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_ref: Option<ObjectRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<ResponseStatus>,
    /// When its head had been read.
    pub request_received_timestamp: String,
    /// When this was written.
    pub stage_timestamp: String,
    /// Why it was allowed or not, and what else is told of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize)]
struct ResponseStatus {
    metadata: BTreeMap<(), ()>,
    #[serde(skip_serializing_if = "str::is_empty")]
    status: &'static str,
    code: u16,
}

impl Event {
    /// An event of a request that has just come, as it is before anything is known of it.
    #[must_use]
    pub fn new(audit_id: String, verb: &str, uri: &str, agent: &str) -> Self {
        let now = backstay_resources::Timestamp::micro_now();
        Self {
            kind: "Event",
            api_version: "audit.k8s.io/v1",
            level: "Metadata",
            audit_id,
            stage: Stage::ResponseComplete,
            request_uri: cut(uri, MAX_URI),
            verb: verb.to_owned(),
            user: User::anonymous(),
            impersonated_user: None,
            source_ips: Vec::new(),
            user_agent: cut(agent, MAX_AGENT),
            object_ref: None,
            response_status: None,
            request_received_timestamp: now.clone(),
            stage_timestamp: now,
            annotations: BTreeMap::new(),
        }
    }

    /// A new identifier, or the one that the request brought: letters, digits, `-`, `_`, `.` and `:`, 64 at most.
    #[must_use]
    pub fn id(brought: Option<&str>) -> String {
        let is_good = |id: &&str| {
            let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
            !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(is_known)
        };
        brought.filter(is_good).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
    }

    /// A proxy that joins a fleet, or is refused: verb `connect` on the fleet. `why` is what refused it, and the code is gRPC's as HTTP
    /// has it, 200 for one that has joined.
    #[must_use]
    pub fn stream(
        user: &User,
        fleet: &str,
        node: &str,
        address: Option<std::net::SocketAddr>,
        outcome: Result<(), &str>,
    ) -> Self {
        let mut event = Self::new(Self::id(None), "connect", "", "");
        let asked = Attributes { name: fleet.into(), ..Attributes::resource("connect", "backstay.dev", "fleets") };
        event.user = user.clone();
        event.object_ref = ObjectRef::of(&asked);
        event.source_ips = address.into_iter().map(|address| address.ip().to_canonical().to_string()).collect();
        event.annotations.insert("backstay.dev/node".to_owned(), cut(node, MAX_AGENT));
        event.decided(outcome.is_ok(), outcome.err().unwrap_or("the identity may join the fleet"));
        event.stage = Stage::ResponseStarted;
        event.answered(if outcome.is_ok() { 200 } else { 403 });
        event
    }

    /// Whether it was allowed, and why.
    pub fn decided(&mut self, allowed: bool, reason: &str) {
        let decision = if allowed { "allow" } else { "forbid" };
        self.annotations.insert("authorization.k8s.io/decision".to_owned(), decision.to_owned());
        self.annotations.insert("authorization.k8s.io/reason".to_owned(), reason.to_owned());
    }

    /// It has been answered with this code, now.
    pub fn answered(&mut self, code: u16) {
        let status = if code < 400 { "" } else { "Failure" };
        self.response_status = Some(ResponseStatus { metadata: BTreeMap::new(), status, code });
        self.stage_timestamp = backstay_resources::Timestamp::micro_now();
    }

    /// As it is written, with the end of the line. Control characters in it are escaped, as JSON has it.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// No more than `limit` bytes of a text, and that it was more.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}...TRUNCATED", &text[..text.floor_char_boundary(limit)])
}

/// As `authentication.k8s.io/v1` has users.
#[derive(Serialize)]
struct UserInfo<'a> {
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
    groups: &'a std::collections::BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: &'a BTreeMap<String, Vec<String>>,
}

fn told<S: Serializer>(user: &User, serializer: S) -> Result<S::Ok, S::Error> {
    let User { name, uid, groups, extra, .. } = user;
    UserInfo { username: name, uid, groups, extra }.serialize(serializer)
}

#[allow(clippy::ref_option, reason = "serde hands it over so")]
fn told_of_other<S: Serializer>(user: &Option<User>, serializer: S) -> Result<S::Ok, S::Error> {
    match user {
        Some(user) => told(user, serializer),
        None => serializer.serialize_none(),
    }
}

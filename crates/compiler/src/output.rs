//! What comes out: resources per fleet, and the conditions of objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_resources::gateway::{ParentRef, RouteGroupKind};
use backstay_resources::{ConditionStatus, Timestamp};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::change::ObjectKey;
use crate::features::SUPPORTED_FEATURES;
use crate::last_good_secret::{LastGoodSecret, LastGoodSecretName};

/// A fleet, and the name of a resource that its proxies should hold.
pub type FleetResource = (Arc<str>, Arc<str>);

/// Everything that changed because of some changes of objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// What the proxies of each fleet should now hold differently: the name of the resource, and an encoded
    /// `backstay.config.v1.Resource`, or `None` when it is gone. Holds real changes only: what was compiled again to the
    /// same bytes is not here, and a fleet without changes is not either.
    pub fleets: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Option<Bytes>>>,
    /// The statuses that changed, in order of their keys, one per object. The compiler keeps them as well, to tell what changes.
    pub statuses: Vec<Arc<ObjectStatus>>,
    /// Secrets that no longer serve as they are and are needed: what is kept of them, or `None` when that is over. Give it to
    /// [`Compiler::restore`](crate::Compiler::restore) of the next process, so that a restart takes no traffic away.
    pub last_good_secrets: BTreeMap<LastGoodSecretName, Option<LastGoodSecret>>,
    /// How many resources were compiled, changed or not. It is how tests see that a change does not recompile the world.
    pub compiled: usize,
}

/// What is to be said about one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectStatus {
    /// Which object.
    pub key: ObjectKey,
    /// The `metadata.generation` that was looked at.
    pub generation: i64,
    /// Its conditions. Shared by objects of which the same is said, as of most.
    pub report: Arc<Report>,
    /// What proxies must have acknowledged for this generation of the object to be `Programmed`: its own resources and
    /// the Secrets they need; of a BackendPolicy those of the Backends it is for. Sorted. Empty when nothing of this
    /// generation is served, or of a policy not all.
    pub programs: Vec<FleetResource>,
}

/// What the status of an object says. `Programmed` is not among its conditions: only proxies can tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The conditions of the object itself.
    pub conditions: Vec<Condition>,
    /// What proxies have to do with it.
    pub programmed: ProgrammedBy,
    /// In the order of the spec; of a Gateway.
    pub listeners: Vec<ListenerReport>,
    /// Of each parent that is ours, in the order of the spec; of a route, which of its own has none but `Programmed`.
    pub parents: Option<Vec<ParentReport>>,
    /// Where it is reached, of a Gateway that is served. Its status has those that proxies can listen on.
    pub addresses: Option<GatewayAddresses>,
    /// Other fields of the status, as they shall be; null for one that shall not be there.
    pub fields: BTreeMap<&'static str, Value>,
    /// It was ours and is another controller's now: nothing of what was said holds, and nothing else is here.
    pub withdrawn: bool,
}

/// Where a Gateway is reached, as far as its spec says.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayAddresses {
    /// The fleet that serves it.
    pub fleet: Arc<str>,
    /// Where they come from.
    pub source: AddressSource,
    /// Those that the spec names, each with what proxies must acknowledge to listen on it.
    pub given: Vec<(String, Vec<FleetResource>)>,
}

/// Where the addresses of a Gateway come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressSource {
    /// The spec names them.
    Spec,
    /// It says nothing of them: they are those of the proxies, which listen on all of theirs.
    Proxies,
    /// It asks for one to be assigned, which is one of the proxies' own.
    Assigned,
    /// At this position it asks for one beside those that it names, where proxies have no other.
    Unassignable(usize),
}

/// How proxies make an object `Programmed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProgrammedBy {
    /// Not at all: there is no such condition.
    #[default]
    Nothing,
    /// They acknowledge its [programs](ObjectStatus::programs). What they acknowledged is told by its version as well,
    /// since it depends on more than the generation of the object.
    Version,
    /// They acknowledge its programs, and those of each of its listeners, which have the condition as well.
    Listeners,
}

impl Report {
    /// Of an object that proxies get because of it.
    #[must_use]
    pub fn of(conditions: Vec<Condition>) -> Self {
        Self { conditions, programmed: ProgrammedBy::Version, ..Self::default() }
    }

    /// Of a GatewayClass that names one of our controllers: `Accepted`.
    pub(crate) fn of_class(conditions: Vec<Condition>) -> Self {
        let features = SUPPORTED_FEATURES.iter().map(|name| json!({ "name": name })).collect();
        Self { conditions, fields: BTreeMap::from([("supportedFeatures", features)]), ..Self::default() }
    }

    /// Of a Gateway whose class is ours: `Accepted`. `addresses` are set while it is served.
    #[must_use]
    pub fn of_gateway(
        conditions: Vec<Condition>,
        listeners: Vec<ListenerReport>,
        addresses: Option<GatewayAddresses>,
    ) -> Self {
        Self { conditions, programmed: ProgrammedBy::Listeners, listeners, addresses, ..Self::default() }
    }

    /// Of a route.
    #[must_use]
    pub fn of_route(parents: Vec<ParentReport>) -> Self {
        let programmed = if parents.is_empty() { ProgrammedBy::Nothing } else { ProgrammedBy::Version };
        Self { parents: Some(parents), programmed, ..Self::default() }
    }

    pub(crate) fn withdrawn() -> Self {
        Self { withdrawn: true, ..Self::default() }
    }

    /// All its conditions.
    pub fn all_conditions(&self) -> impl Iterator<Item = &Condition> {
        let listeners = self.listeners.iter().flat_map(|listener| &listener.conditions);
        let parents = self.parents.iter().flatten().flat_map(|parent| &parent.conditions);
        self.conditions.iter().chain(listeners).chain(parents)
    }
}

/// What is to be said about one listener of a Gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerReport {
    /// Its name.
    pub name: String,
    /// Kinds of routes that may attach.
    pub supported_kinds: Vec<RouteGroupKind>,
    /// How many accepted routes are attached.
    pub attached_routes: i32,
    /// `Accepted`, `ResolvedRefs`, `Conflicted`, `CertificateExpired` for the first certificate to expire, and `CertificateNotYetValid` for the
    /// last to become valid.
    pub conditions: Vec<Condition>,
    /// What proxies must have acknowledged for the listener to be `Programmed`, its Secrets included. Sorted. Empty when
    /// it is not served.
    pub programs: Vec<FleetResource>,
}

/// What is to be said about a route and one of its parents.
#[derive(Debug, Clone, PartialEq)]
pub struct ParentReport {
    /// The parent, as the route names it.
    pub parent_ref: ParentRef,
    /// The controller that says so: the one that the parent's class names.
    pub controller_name: &'static str,
    /// `Accepted`, `ResolvedRefs`, and `PartiallyInvalid` where some rules cannot be honoured.
    pub conditions: Vec<Condition>,
    /// What proxies must have acknowledged for the route to be `Programmed` at this parent. Empty when it does not attach to it.
    pub programs: Vec<FleetResource>,
}

/// A condition without its times, which the writer of statuses keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The condition's type.
    pub kind: &'static str,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, as one CamelCase word.
    pub reason: &'static str,
    /// Why, for a person. Empty where there is nothing to say.
    pub message: String,
    /// When it begins to be so; until then there is nothing to say. `None`: it is so now.
    pub since: Option<Timestamp>,
    /// When it ends to be so. `None`: never.
    pub until: Option<Timestamp>,
}

impl Condition {
    /// The condition `kind` holds, for the reason of its own name.
    #[must_use]
    pub fn holds(kind: &'static str) -> Self {
        Self { kind, status: ConditionStatus::True, reason: kind, message: String::new(), since: None, until: None }
    }

    /// The condition `kind` holds.
    #[must_use]
    pub fn yes(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::True, reason, message: message.into(), since: None, until: None }
    }

    /// The condition `kind` does not hold.
    #[must_use]
    pub fn no(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::False, reason, message: message.into(), since: None, until: None }
    }

    /// The certificate that `field` refers to has expired, from `expires` on.
    pub(crate) fn expired(field: &str, expires: Timestamp) -> Self {
        let message =
            format!("{field} refers to a certificate that expired on {expires}; whoever verifies it refuses it");
        Self { since: Some(expires), ..Self::yes(CERTIFICATE_EXPIRED, "Expired", message) }
    }

    /// The certificate that `field` refers to is not valid yet, until `begins`.
    pub(crate) fn not_yet_valid(field: &str, begins: Timestamp) -> Self {
        let message = format!(
            "{field} refers to a certificate that is valid from {begins} on; whoever verifies it refuses it until then"
        );
        Self { until: Some(begins), ..Self::yes(CERTIFICATE_NOT_YET_VALID, "NotYetValid", message) }
    }

    /// Whether there is anything to say at `now`.
    #[must_use]
    pub fn is_told(&self, now: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= now) && self.until.is_none_or(|until| now < until)
    }

    /// It cannot be told whether the condition `kind` holds.
    #[must_use]
    pub fn unknown(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::Unknown, reason, message: message.into(), since: None, until: None }
    }
}

/// The types of all conditions that are ever told, `Programmed` apart. A condition of another type is another controller's.
pub const CONDITION_TYPES: [&str; 7] =
    [ACCEPTED, RESOLVED_REFS, CONFLICTED, PARTIALLY_INVALID, INSECURE, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID];

/// The reason of what cannot be done as it is asked for.
pub(crate) const UNSUPPORTED_VALUE: &str = "UnsupportedValue";

/// The types of conditions.
pub(crate) const ACCEPTED: &str = "Accepted";
pub(crate) const RESOLVED_REFS: &str = "ResolvedRefs";
pub(crate) const CONFLICTED: &str = "Conflicted";
pub(crate) const PARTIALLY_INVALID: &str = "PartiallyInvalid";
pub(crate) const INSECURE: &str = "Insecure";
pub(crate) const CERTIFICATE_EXPIRED: &str = "CertificateExpired";
pub(crate) const CERTIFICATE_NOT_YET_VALID: &str = "CertificateNotYetValid";

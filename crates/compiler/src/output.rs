//! What comes out: resources per fleet, and the conditions of objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_resources::gateway::{GatewayAddress, ParentRef, RouteGroupKind};
use backstay_resources::{ConditionStatus, Timestamp};
use bytes::Bytes;

use crate::change::ObjectKey;
use crate::kept::{Kept, KeptName};

/// A fleet, and the name of a resource that its proxies should hold.
pub type Program = (Arc<str>, Arc<str>);

/// Everything that changed because of some changes of objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// What the proxies of each fleet should now hold differently: the name of the resource, and an encoded
    /// `backstay.config.v1.Resource`, or `None` when it is gone. Holds real changes only: what was compiled again to the
    /// same bytes is not here, and a fleet without changes is not either.
    pub fleets: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Option<Bytes>>>,
    /// The statuses that changed, in order of their keys, one per object.
    pub statuses: Vec<ObjectStatus>,
    /// Secrets that no longer serve as they are and are needed: what is kept of them, or `None` when that is over. Give it to
    /// [`Compiler::restore`](crate::Compiler::restore) of the next process, so that a restart takes no traffic away.
    pub kept: BTreeMap<KeptName, Option<Kept>>,
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
    /// Its conditions.
    pub report: Report,
    /// What proxies must have acknowledged for this generation of the object to be `Programmed`: its own resources and
    /// the Secrets they need; of a BackendPolicy those of the Backends it is for. Sorted. Empty when nothing of this
    /// generation is served, or of a policy not all.
    pub programs: Vec<Program>,
}

/// Conditions, in the shape of the kind's status. `Programmed` is not among them: only proxies can tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Of a Backend: `Accepted`, `ResolvedRefs`.
    Backend {
        /// Its conditions.
        conditions: Vec<Finding>,
    },
    /// Of a GatewayClass that names one of our controllers: `Accepted`.
    GatewayClass {
        /// Its conditions.
        conditions: Vec<Finding>,
    },
    /// Of a Gateway whose class is ours.
    Gateway {
        /// `Accepted`.
        conditions: Vec<Finding>,
        /// In the order of the spec.
        listeners: Vec<ListenerReport>,
        /// The addresses that the spec asks for. Empty: the proxies listen on all of theirs.
        addresses: Vec<GatewayAddress>,
    },
    /// Of an HTTPRoute.
    HttpRoute {
        /// Of each parent that is ours, in the order of the spec.
        parents: Vec<ParentReport>,
    },
    /// Of a Gateway that was ours and is another controller's now: nothing of what was said holds.
    Withdrawn,
    /// Of a BackendPolicy: `Accepted`, `ResolvedRefs`, `Insecure` where it has certificates not verified, and
    /// `CertificateExpired` for its client certificate.
    BackendPolicy {
        /// Its conditions.
        conditions: Vec<Finding>,
    },
}

impl Report {
    /// All its conditions.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let (own, listeners, parents): (&[Finding], &[ListenerReport], &[ParentReport]) = match self {
            Self::Backend { conditions } | Self::GatewayClass { conditions } | Self::BackendPolicy { conditions } => {
                (conditions, &[], &[])
            }
            Self::Gateway { conditions, listeners, .. } => (conditions, listeners, &[]),
            Self::HttpRoute { parents } => (&[], &[], parents),
            Self::Withdrawn => (&[], &[], &[]),
        };
        let listeners = listeners.iter().flat_map(|listener| &listener.conditions);
        own.iter().chain(listeners).chain(parents.iter().flat_map(|parent| &parent.conditions))
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
    /// `Accepted`, `ResolvedRefs`, `Conflicted`, and `CertificateExpired` for the first certificate to expire.
    pub conditions: Vec<Finding>,
    /// What proxies must have acknowledged for the listener to be `Programmed`, its Secrets included. Sorted. Empty when
    /// it is not served.
    pub programs: Vec<Program>,
}

/// What is to be said about a route and one of its parents.
#[derive(Debug, Clone, PartialEq)]
pub struct ParentReport {
    /// The parent, as the route names it.
    pub parent_ref: ParentRef,
    /// The controller that says so: the one that the parent's class names.
    pub controller_name: &'static str,
    /// `Accepted`, `ResolvedRefs`, and `PartiallyInvalid` where some rules cannot be honoured.
    pub conditions: Vec<Finding>,
}

/// A condition without its times, which the writer of statuses keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
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
}

impl Finding {
    /// The condition `kind` holds, for the reason of its own name.
    pub(crate) fn holds(kind: &'static str) -> Self {
        Self { kind, status: ConditionStatus::True, reason: kind, message: String::new(), since: None }
    }

    /// The condition `kind` holds.
    pub(crate) fn yes(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::True, reason, message: message.into(), since: None }
    }

    /// The condition `kind` does not hold.
    pub(crate) fn no(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::False, reason, message: message.into(), since: None }
    }

    /// The certificate that `field` refers to has expired, from `expires` on.
    pub(crate) fn expired(field: &str, expires: Timestamp) -> Self {
        let message =
            format!("{field} refers to a certificate that expired on {expires}; whoever verifies it refuses it");
        Self { since: Some(expires), ..Self::yes(CERTIFICATE_EXPIRED, "Expired", message) }
    }

    /// It cannot be told whether the condition `kind` holds.
    pub(crate) fn unknown(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::Unknown, reason, message: message.into(), since: None }
    }
}

/// The types of all conditions that are ever told, `Programmed` apart. A condition of another type is another controller's.
pub const CONDITION_TYPES: [&str; 6] =
    [ACCEPTED, RESOLVED_REFS, CONFLICTED, PARTIALLY_INVALID, INSECURE, CERTIFICATE_EXPIRED];

/// The reason of what cannot be done as it is asked for.
pub(crate) const UNSUPPORTED_VALUE: &str = "UnsupportedValue";

/// The types of conditions.
pub(crate) const ACCEPTED: &str = "Accepted";
pub(crate) const RESOLVED_REFS: &str = "ResolvedRefs";
pub(crate) const CONFLICTED: &str = "Conflicted";
pub(crate) const PARTIALLY_INVALID: &str = "PartiallyInvalid";
pub(crate) const INSECURE: &str = "Insecure";
pub(crate) const CERTIFICATE_EXPIRED: &str = "CertificateExpired";

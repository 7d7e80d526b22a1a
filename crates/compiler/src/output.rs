//! What comes out: resources per fleet, and the conditions of objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_resources::ConditionStatus;
use backstay_resources::gateway::{GatewayAddress, ParentRef, RouteGroupKind};
use bytes::Bytes;

use crate::change::ObjectKey;

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
    /// the Secrets they need. Sorted. Empty when nothing of this generation is served.
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
    /// Of a BackendPolicy: `Accepted`, `ResolvedRefs`, and `Insecure` where it has certificates not verified.
    BackendPolicy {
        /// Its conditions.
        conditions: Vec<Finding>,
    },
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
    /// `Accepted`, `ResolvedRefs`, `Conflicted`.
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
}

impl Finding {
    /// The condition `kind` holds, for the reason of its own name.
    pub(crate) fn holds(kind: &'static str) -> Self {
        Self { kind, status: ConditionStatus::True, reason: kind, message: String::new() }
    }

    /// The condition `kind` holds.
    pub(crate) fn yes(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::True, reason, message: message.into() }
    }

    /// The condition `kind` does not hold.
    pub(crate) fn no(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::False, reason, message: message.into() }
    }

    /// It cannot be told whether the condition `kind` holds.
    pub(crate) fn unknown(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status: ConditionStatus::Unknown, reason, message: message.into() }
    }
}

/// The types of conditions.
pub(crate) const ACCEPTED: &str = "Accepted";
pub(crate) const RESOLVED_REFS: &str = "ResolvedRefs";
pub(crate) const CONFLICTED: &str = "Conflicted";
pub(crate) const PARTIALLY_INVALID: &str = "PartiallyInvalid";
pub(crate) const INSECURE: &str = "Insecure";

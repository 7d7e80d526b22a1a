//! Configuration, checked: what `backstay.config.v1` says, as values that cannot be wrong. Pure: no I/O, no tasks, no locks.
//!
//! Every field of a message is checked here, once, whoever reads it: a proxy that is to serve it, a control plane that compiles it,
//! a tool that shows or explains it. Whatever cannot be honoured to the letter is refused with the path of the field and a
//! sentence about it, and all of a resource's [`Faults`] are told, not the first. An enumerator or a variant that is not known
//! comes from a control plane that is newer than this program; guessing what it means would serve traffic wrongly.
//!
//! A resource is checked by itself. What it refers to may come later, so that references are names here; [`Action::join`] and
//! [`Edits::join`] put in their place what a program has of that name. Nothing here lives longer than one version of a
//! resource: connections, counts and health belong to whoever serves it.
//!
//! What a host is, and which addresses may be dialled, is known to a crate below this one (`backstay-destination`), since the DNS
//! cache and the API's validation need it too and have no use for the wire format. [`HostPattern`] is handed on.
//!
//! # Layout
//!
//! - [`Resource`]: any of the kinds, from its bytes. `fault`: what is wrong with it.
//! - `name`: what resources and fleets are called.
//! - `listener`, [`route`], `backend`, `secret`, `lookup` (tables, address sets and revocations), [`telemetry`]: the kinds.
//! - `scalar`: durations and names of headers as the messages say them.

mod backend;
mod fault;
mod listener;
mod lookup;
mod name;
mod resource;
pub mod route;
mod scalar;
mod secret;
pub mod telemetry;

pub use backend::{
    Allowed, Backend, BackendSpec, Connections, Discovery, DynamicDiscovery, HashCookie, HashKind, HashPolicy,
    HealthCheck, HostRewrite, HttpProbe, InvalidLoopId, Keepalive, LoopGuard, OnSilence, Policy, Probe, Protocol,
    Retry, StaticEndpoint, StaticEndpoints, StaticHost, Timeouts, TlsSpec, cipher_suite, cipher_suite_names, is_token,
    tls_versions,
};
pub use backstay_destination::{HostPattern, InvalidHost};
pub use backstay_expression::{AddressSet, Table};
pub use backstay_token::Filter as Revocations;
pub use fault::{Checked, Fault, Faults};
pub use listener::{ClientLimits, Listener, TlsTerms};
pub use lookup::Slot;
pub use name::{FleetName, GATEWAY_CLASS, Kind, ResourceName, Scoped};
pub use resource::Resource;
pub use route::sequence;
pub use route::{
    Action, Attachment, ClientAddress, Composition, Echo, Edits, Filters, Forward, HeaderEdit, InsteadOf, Mirror,
    PathEdit, Redirect, Respond, Route, Rule, RuleMatch, Target, WeightedTarget, WeightedTargets,
};
pub use secret::{Authorities, Identity, Secret, Statement};
pub use telemetry::Telemetry;

#[cfg(test)]
mod tests;

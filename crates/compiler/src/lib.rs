//! What users write, turned into what proxies receive: resources to `backstay.config.v1`. Pure: no I/O, no clock, no
//! threads, and the same objects give the same bytes on every replica.
//!
//! [`Compiler::apply`] takes changes of objects and returns what changed because of them: resources per fleet, and the
//! conditions of objects. A change recompiles what depends on it, not the world. What cannot be compiled keeps its last
//! good compilation, says why in its own status, and touches nothing else.
//!
//! Dialects plug in: a [`FrontEnd`] compiles the objects of its kinds, and tells a [`Graph`] what it made of them. [`GatewayApi`]
//! is the first.
//!
//! # Layout
//!
//! - [`change`](ObjectKey), [`output`](Output): what goes in and what comes out.
//! - `compiler`: gives each change to the front end that its kind has. `front_end`: what that has to do.
//! - `graph`: what front ends have in common. Links that can be followed backwards, which fleets need a resource, what
//!   the proxies of each fleet hold, what has been said about objects, and Secrets.
//! - `gateway_api`: the front end for Gateway API, Backends and their policies: tables of objects, and the steps of one `apply`.
//! - `backend`, `policy`, `secret`, `gateway`, `route`, `telemetry`: what one object of a kind compiles to, given what it refers to.
//! - `last_good`: the last good version of an object. `last_good_secret`: Secrets as they last could serve, for a restart.
//!   `features`: what of the Gateway API is done. `encode`: a resource's bytes.

mod backend;
mod change;
mod compiler;
mod encode;
mod features;
mod front_end;
mod gateway;
mod gateway_api;
mod graph;
mod last_good;
mod last_good_secret;
mod output;
mod policy;
mod route;
mod secret;
mod telemetry;

use backstay_destination::hostname;

pub use self::change::{Change, ObjectKey};
pub use self::compiler::{Compiler, KindTaken};
pub use self::features::SUPPORTED_FEATURES;
pub use self::front_end::FrontEnd;
pub use self::gateway_api::{GatewayApi, Options};
pub use self::graph::{Governed, Graph, Opening, Placed, PortClaim};
pub use self::last_good::{LastGood, ReadFault};
pub use self::last_good_secret::{LastGoodSecret, LastGoodSecretName};
pub use self::output::{
    AddressSource, CONDITION_TYPES, Condition, FleetResource, GatewayAddresses, ListenerReport, ObjectStatus, Output,
    ParentReport, ProgrammedBy, Report,
};
pub use self::secret::Role;

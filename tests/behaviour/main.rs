//! The behaviour of the whole, over real processes and sockets: a file for each promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod access;
mod backup;
mod browser;
mod chart;
mod churn;
#[path = "../cluster/lib.rs"]
mod cluster;
mod command;
mod compose;
mod console;
mod controller_runtime;
mod crashes;
mod discovery;
mod docs;
mod doors;
mod envoy;
mod etcd;
mod events;
mod fabric8;
mod fastly;
mod faults;
mod fleets;
mod grpc_admin;
#[path = "../harness/lib.rs"]
#[allow(dead_code, unused_imports, reason = "tests and benchmarks use a part each")]
mod harness;
mod helm;
mod hostile;
mod image;
mod incidents;
mod krakend;
mod kube_client;
mod kubectl;
mod live;
mod memory;
mod monitoring;
mod moves;
mod names;
mod packages;
mod promises;
mod protocols;
mod python_client;
mod quickstart;
mod relay;
mod routing;
mod scale;
mod signals;
mod state_directory;
mod statuses;
mod streams;
mod systemd;
mod tls;
mod under_load;
mod web_pages;
mod web_socket;

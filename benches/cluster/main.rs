//! Control planes on etcd: what a durable create costs, beside kube-apiserver on an etcd of its own; how a replica starts among many
//! objects; how a fleet moves when the control plane that it is at dies.
//!
//! Needs etcd in the path. `KUBE_APISERVER` is the peer's program, built from `tests/peers/kube-apiserver`; without it, the peer is left out.
//!
//! `cargo bench --bench cluster -- --part create --objects 5000`
//! `cargo bench --bench cluster -- --part start --objects 100000`
//! `cargo bench --bench cluster -- --part move --backends 1000 --streams 10000`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod create;
mod member;
mod moving;
mod planes;
mod servers;
mod start;

#[path = "../discovery/client.rs"]
#[allow(dead_code, reason = "the fleets of this benchmark move")]
mod client;
#[path = "../support/lib.rs"]
mod support;

use support::argument;

fn main() {
    match argument("--part", String::new()).as_str() {
        "create" => create::run(argument("--objects", 5_000)),
        "start" => start::run(argument("--objects", 100_000)),
        "move" => moving::run(argument("--backends", 1_000), argument("--streams", 10_000)),
        "" => {
            create::run(argument("--objects", 5_000));
            start::run(argument("--objects", 100_000));
            moving::run(argument("--backends", 1_000), argument("--streams", 10_000));
        }
        other => panic!("--part is create, start or move, and not {other:?}"),
    }
}

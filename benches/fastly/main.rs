//! The Fastly dialect: how long an activation takes until every proxy serves it, what a write costs, and what a request through a
//! service of many conditions does.
//!
//! `cargo bench --bench fastly -- --what all|activation|requests --services 1000 --proxies 10 --changes 50 --rounds 5 --seconds 8`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../support/lib.rs"]
mod support;

mod activation;
mod api;
mod requests;

use support::argument;

fn main() {
    let what: String = argument("--what", "all".to_owned());
    if what != "requests" {
        activation::run();
    }
    if what != "activation" {
        requests::run();
    }
}

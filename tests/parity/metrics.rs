//! What is counted, under names that both have: dashboards and alerts made for the one go on with the other.

mod connections;
mod exported;
mod health;
mod limits;
mod lookups;
mod requests;

use std::time::Duration;

use crate::row::{Expected, Row, Step};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const OK: &str = "200 - via_upstream 127.0.0.1";
const FAILING: Behaviour = Behaviour::Answer(503, Duration::ZERO);

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour)
}

/// Ends with what is counted, once so many connections have ended: of all that is counted it comes last.
fn counts(row: Row, ended: u64, expected: Expected) -> Row {
    row.then(Step::Counted("upstream_cx_destroy", ended)).see(Step::Counts, expected)
}

/// Counts, and those of a cluster with one endpoint that is well.
fn of_one(counts: &str) -> &'static str {
    let mut all: Vec<_> = counts.split(", ").collect();
    all.extend(["membership_change 1", "membership_healthy 1", "membership_total 1"]);
    all.sort_unstable();
    all.join(", ").leak()
}

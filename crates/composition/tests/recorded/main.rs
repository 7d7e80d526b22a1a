//! Cases that have been run through the engine of KrakenD CE (tests/peers/krakend-engine), answer by answer: status, header fields
//! and body of the response byte for byte, and what the backends are asked.

#![allow(clippy::expect_used)] // What the tests call may fail as they do.

mod case;
mod dialect;
mod run;

use case::Case;

#[test]
fn decoding() {
    compare(include_str!("../cases/decode.json"));
}

#[test]
fn xml() {
    compare(include_str!("../cases/xml.json"));
}

#[test]
fn feeds() {
    compare(include_str!("../cases/feeds.json"));
}

#[test]
fn pipelines() {
    compare(include_str!("../cases/pipeline.json"));
}

#[test]
fn merges() {
    compare(include_str!("../cases/merge.json"));
}

#[test]
fn sequences() {
    compare(include_str!("../cases/sequential.json"));
}

#[test]
fn requests() {
    compare(include_str!("../cases/requests.json"));
}

#[test]
fn failures() {
    compare(include_str!("../cases/failures.json"));
}

#[test]
fn outputs() {
    compare(include_str!("../cases/output.json"));
}

/// Runs all cases of a file, and shows every one that comes out differently.
fn compare(file: &str) {
    let cases = Case::all(file);
    assert!(!cases.is_empty());
    let mut different = Vec::new();
    for case in &cases {
        if let Err(difference) = run::compare(case) {
            different.push(format!("{}: {difference}", case.name));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), cases.len(), different.join("\n"));
}

//! What it costs to note who set which field: writes of Backends of which that is known, beside those of Backends whose owners have
//! been reset, for which nothing is noted. With everything that follows from a write: compiling, publishing and the status.

use std::net::SocketAddr;

use super::support::{backend, http::Client, process::Process};
use super::{BACKENDS, Size, compare};

const MERGE: &str = "application/merge-patch+json";

pub fn compare_with_none(control: &Process, api: SocketAddr, size: &Size) {
    let (rounds, count) = (size.rounds, size.calls / 2);
    let mut client = Client::connect(api);
    for number in 0..count {
        for name in ["known", "unknown"] {
            assert_eq!(client.post(BACKENDS, &backend(&format!("{name}-{number}"), "127.0.0.1")).status, 201);
        }
        let reset = r#"{"metadata":{"managedFields":[{}]}}"#;
        assert_eq!(client.send("PATCH", &format!("{BACKENDS}/unknown-{number}"), MERGE, reset).status, 200);
    }
    // Each round has a connection of its own: one that rests for as long as the other takes is closed.
    let connect = || Client::connect(api);
    let ip = |round: usize| format!("127.0.0.{}", round % 2 + 2);
    compare(
        control,
        rounds,
        count,
        ["update, who set what is noted", "nobody is known"],
        |round| update(&mut connect(), count, "known", &ip(round)),
        |round| update(&mut connect(), count, "unknown", &ip(round)),
    );
    compare(
        control,
        rounds,
        count,
        ["merge patch, who set what is noted", "nobody is known"],
        |round| patch(&mut connect(), count, "known", round),
        |round| patch(&mut connect(), count, "unknown", round),
    );
}

fn update(client: &mut Client, count: usize, name: &str, ip: &str) {
    for number in 0..count {
        let name = format!("{name}-{number}");
        assert_eq!(client.put(&format!("{BACKENDS}/{name}"), &backend(&name, ip)).status, 200);
    }
}

fn patch(client: &mut Client, count: usize, name: &str, round: usize) {
    let body = format!(r#"{{"metadata":{{"labels":{{"round":"{round}"}}}}}}"#);
    for number in 0..count {
        assert_eq!(client.send("PATCH", &format!("{BACKENDS}/{name}-{number}"), MERGE, &body).status, 200);
    }
}

//! What processes make of signals: none ends one that has something under way.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::harness::{ControlPlane, Proxy};

#[test]
fn a_log_that_was_moved_is_reopened_on_a_signal_which_does_not_kill() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("access.log");
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut proxy = Proxy::start_with(nobody, &["--access-log", log.to_str().unwrap()]);
    for signal in ["USR1", "HUP"] {
        fs::rename(&log, scratch.path().join(signal)).unwrap();
        proxy.process.signal(signal);
        let asked = Instant::now();
        while !log.exists() {
            // Only ends a test that would otherwise hang.
            assert!(asked.elapsed() < Duration::from_secs(30), "{signal} has no effect");
            std::thread::yield_now();
        }
    }
    proxy.process.signal("TERM");
    assert!(proxy.process.wait().success(), "it was there until it was told to end");
}

#[test]
fn a_control_plane_whose_terminal_is_gone_ends_in_order() {
    let mut control_plane = ControlPlane::start();
    control_plane.process.signal("HUP");
    assert!(control_plane.process.wait().success());
}

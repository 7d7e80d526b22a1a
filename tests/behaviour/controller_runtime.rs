//! A controller made with controller-runtime, unmodified: `tests/peers/controller-runtime`.

use std::process::Command;

use crate::harness::{ControlPlane, PATIENCE, tools};

#[test]
fn a_controller_leads_applies_tells_and_cleans_up() {
    let Some(controller) = tools::controller_runtime() else { return };
    let control_plane = ControlPlane::start();
    let mut timed = Command::new("timeout");
    let run = timed.arg(PATIENCE.as_secs().to_string()).arg(controller).arg(control_plane.server());
    let home = tempfile::tempdir().unwrap();
    let output = run.env("HOME", home.path()).env_remove("KUBECONFIG").output().unwrap();
    let (steps, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{steps}{log}");
    let expected = [
        "applied",
        "cached",
        "applied again",
        "owned",
        "conflict",
        "told",
        "finalized",
        "cleaned up",
        "collected",
        "ended",
    ];
    assert_eq!(steps.lines().collect::<Vec<_>>(), expected, "{log}");
    assert!(!log.contains("Server rejected event"), "{log}");
}

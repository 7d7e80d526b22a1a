//! A program of fabric8's Java client, unmodified: `tests/peers/fabric8`.

use std::process::Command;

use crate::harness::{ControlPlane, PATIENCE, tools};

#[test]
fn an_informer_hears_over_a_web_socket_what_the_client_writes() {
    let Some(built) = tools::fabric8() else { return };
    let control_plane = ControlPlane::start();
    let path = format!("{0}/classes:{0}/lib/*", built.display());
    let mut timed = Command::new("timeout");
    let run = timed.arg(PATIENCE.as_secs().to_string()).args(["java", "-cp", &path, "Fabric8"]);
    let home = tempfile::tempdir().unwrap();
    let run = run.arg(control_plane.server()).env("HOME", home.path()).env_remove("KUBECONFIG");
    let output = run.output().unwrap();
    let (steps, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{steps}{log}");
    let expected = [
        "informed",
        "watched by web socket",
        "created",
        "listed",
        "edited",
        "patched",
        "applied",
        "status written",
        "created or updated",
        "without a class",
        "deleted",
    ];
    assert_eq!(steps.lines().collect::<Vec<_>>(), expected, "{log}");
}

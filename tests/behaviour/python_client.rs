//! The Python `kubernetes` client, unmodified.
//!
//! `BACKSTAY_PYTHON` names an interpreter that has the package; otherwise `python3` is asked.

use std::process::Command;

use crate::harness::ControlPlane;

#[test]
fn objects_are_written_watched_and_discovered() {
    let python = std::env::var_os("BACKSTAY_PYTHON").unwrap_or_else(|| "python3".into());
    let has_package = Command::new(&python).args(["-c", "import kubernetes"]).output();
    if !has_package.is_ok_and(|output| output.status.success()) {
        crate::harness::say(
            "SKIPPED: there is no Python with the package kubernetes; set BACKSTAY_PYTHON to run this test",
        );
        return;
    }
    let control_plane = ControlPlane::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/kubernetes_client.py");
    let output = Command::new(&python).arg(script).arg(control_plane.server()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}

//! The Python `kubernetes` client, unmodified.
//!
//! `BACKSTAY_PYTHON` names an interpreter that has the package; otherwise `python3` is asked.

use std::process::Command;

use crate::harness::{ControlPlane, tools};

#[test]
fn objects_are_written_watched_and_discovered() {
    let Some(python) = tools::python_with_kubernetes() else { return };
    let control_plane = ControlPlane::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/kubernetes_client.py");
    let output = Command::new(&python).arg(script).arg(control_plane.server()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}

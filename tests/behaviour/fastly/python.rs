//! PyPI's `fastly`, unmodified: it is strict about what answers look like.

use std::process::Command;

use crate::harness::{ControlPlane, tools};

#[test]
fn a_service_lives_its_life() {
    let Some(python) = tools::python_with_fastly() else { return };
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/fastly_client.py");
    let output = Command::new(&python).arg(script).arg(control_plane.server()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}

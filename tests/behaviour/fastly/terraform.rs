//! The client of the Terraform provider, unmodified: `tests/peers/go-fastly`.

use std::process::Command;

use rcgen::{CertificateParams, KeyPair};

use crate::harness::{ControlPlane, PATIENCE, tools};

#[test]
fn the_calls_of_the_terraform_provider_make_change_and_take_away_a_service() {
    let Some(client) = tools::go_fastly() else { return };
    let control_plane = ControlPlane::start();
    let files = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["a.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let [chain, private] = ["c.pem", "k.pem"].map(|name| files.path().join(name));
    std::fs::write(&chain, certificate.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let mut timed = Command::new("timeout");
    let run = timed.arg(PATIENCE.as_secs().to_string()).arg(client).arg(control_plane.server()).args([chain, private]);
    let output = run.output().unwrap();
    let (steps, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{steps}{log}");
    let expected = ["created 1", "parts made", "read back", "activated 1", "changed and rolled back", "gone"];
    assert_eq!(steps.lines().collect::<Vec<_>>(), expected, "{log}");
}

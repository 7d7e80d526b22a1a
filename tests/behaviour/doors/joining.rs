//! The control plane as an authority, and proxies that join with a token.

use crate::harness::{ControlPlane, Proxy, backstay};

/// Runs the command, which must go well, and yields what it prints.
fn printed(arguments: &[&str]) -> String {
    let output = backstay(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_join_token_is_good_for_one_proxy_of_its_fleet() {
    let scratch = tempfile::tempdir().unwrap();
    let mut control_plane = ControlPlane::start_in_with(&scratch.path().join("data"), &["--authority"]);
    let (server, xds) = (format!("https://{}", control_plane.api()), control_plane.xds());
    let pem = printed(&["ca", "--server", &server]);
    let ca = scratch.path().join("ca.pem");
    std::fs::write(&ca, &pem).unwrap();
    let ca = ca.to_str().unwrap();
    let other = backstay(["ca", "--server", &server, "--fingerprint", "00"]);
    assert_eq!(other.status.code(), Some(1));

    let create = |fleet: &str| backstay(["token", "create", "--fleet", fleet, "--server", &server, "--ca", ca]);
    let refused = create("nowhere");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is no fleet \"nowhere\""));
    let token = scratch.path().join("join-token");
    std::fs::write(&token, create("default").stdout).unwrap();

    let control = format!("https://{xds}");
    let start = |state: &str, more: &[&str]| {
        let state = scratch.path().join(state);
        let common = ["--control-plane", &control, "--ca", ca, "--join-token-file", token.to_str().unwrap()];
        Proxy::start_with(xds, &[&common[..], &["--state-dir", state.to_str().unwrap()], more].concat())
    };
    let mut first = start("one", &[]);
    first.process.wait_for_line("joined: the control plane has signed a certificate");
    control_plane.process.wait_for_line("a proxy connected");
    let identity = std::fs::read_to_string(scratch.path().join("one/identity.pem")).unwrap();
    assert!(identity.contains("PRIVATE KEY") && identity.contains("BEGIN CERTIFICATE"));

    let second = start("two", &[]);
    let line = second.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("the join token was used already"), "{line}");

    // What it got is for one fleet, and outlives both processes.
    first.process.kill();
    control_plane.kill_and_restart();
    let again = start("one", &[]);
    control_plane.process.wait_for_line("a proxy connected");
    assert!(!again.process.printed().contains("joined:"), "{}", again.process.printed());
    drop(again);
    let elsewhere = start("one", &["--fleet", "edge"]);
    let line = elsewhere.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("spiffe://backstay/fleet/default may not join the fleet \"edge\""), "{line}");
    assert_eq!(printed(&["ca", "--server", &server]), pem, "the authority is kept");
}

#[test]
fn an_authority_of_ones_own_signs() {
    let scratch = tempfile::tempdir().unwrap();
    let authority = crate::harness::tls::Authority::new();
    let [cert, key] = authority.pair().write(scratch.path(), "ca");
    let control_plane = ControlPlane::start_with(&["--ca-cert", &cert, "--ca-key", &key, "--tls-name", "cp.example"]);
    let server = format!("https://{}", control_plane.api());
    assert_eq!(printed(&["ca", "--server", &server]), authority.pem());
    let Some((said, code)) = super::curl(&[
        "--cacert",
        &cert,
        "--resolve",
        &format!("cp.example:{}:127.0.0.1", control_plane.api().port()),
        &format!("https://cp.example:{}/readyz", control_plane.api().port()),
    ]) else {
        return;
    };
    assert_eq!((said.as_str(), code), ("ok", 0));
}

#[test]
fn a_proxy_whose_join_token_is_revoked_is_out_and_stays_out() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let control_plane = ControlPlane::start_with(&["--authority"]);
    let server = format!("https://{}", control_plane.api());
    let ca = at("ca.pem");
    std::fs::write(&ca, printed(&["ca", "--server", &server])).unwrap();
    let make = |name: &str| {
        let output =
            crate::harness::backstay(["token", "create", "--fleet", "default", "--server", &server, "--ca", &ca]);
        std::fs::write(at(name), output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        said.trim().rsplit_once("by its id ").unwrap_or_else(|| panic!("{said}")).1.to_owned()
    };
    let xds = control_plane.xds();
    let start = |name: &str| {
        let (address, token, state) = (format!("https://{xds}"), at(name), at(&format!("{name}-state")));
        let arguments = ["--control-plane", &address, "--ca", &ca, "--join-token-file", &token, "--state-dir", &state];
        Proxy::start_with(xds, &arguments)
    };
    let ids = ["one", "two", "unused"].map(make);
    let (first, second) = (start("one"), start("two"));
    control_plane.process.wait_for_line("a proxy connected");
    control_plane.process.wait_for_line("a proxy connected");
    for id in [&ids[0], &ids[2]] {
        let said = printed(&["token", "revoke", id, "--server", &server, "--ca", &ca]);
        assert!(said.contains(id.as_str()), "{said}");
    }
    let line = first.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("was revoked"), "{line}");
    // What was not used yet cannot be any more, and who joined with another token is not concerned.
    let late = start("unused");
    let line = late.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("was revoked"), "{line}");
    assert!(!second.process.printed().contains("not connected"), "{}", second.process.printed());
    let wrong = crate::harness::backstay(["token", "revoke", "everything", "--server", &server, "--ca", &ca]);
    assert!(!wrong.status.success());
}

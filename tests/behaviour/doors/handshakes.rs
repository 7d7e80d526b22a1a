//! What is spoken on both addresses.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use http::StatusCode;

use super::{Secured, curl, metric, objects};
use crate::harness::tls::Session;
use crate::harness::traffic::until;
use crate::harness::{Dev, Load, Upstream, backstay, tools};
use crate::quickstart::USUAL_PORTS;

/// Whether a handshake of OpenSSL goes well, and what it says of it.
fn openssl(address: SocketAddr, options: &[&str]) -> Option<(bool, String)> {
    if !tools::answers("openssl", &["version"]) {
        tools::lacking("openssl", "handshakes are not tried with it");
        return None;
    }
    let connect = ["s_client", "-connect", &address.to_string(), "-brief"].map(str::to_owned);
    let output = Command::new("openssl").args(connect).args(options).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Some((output.status.success(), said))
}

#[test]
fn the_api_speaks_tls_1_2_and_1_3_and_discovery_1_3_and_http_2_alone() {
    let secured = Secured::new();
    let control_plane = secured.start(&[]);
    let (api, xds) = (control_plane.api(), control_plane.xds());
    for (address, options, goes) in [
        (api, &["-tls1_2", "-alpn", "h2"][..], true),
        (api, &["-tls1_3", "-alpn", "http/1.1"], true),
        (api, &["-tls1_3"], true),
        (api, &["-tls1_1"], false),
        (xds, &["-tls1_3", "-alpn", "h2"], true),
        (xds, &["-tls1_2", "-alpn", "h2"], false),
        (xds, &["-tls1_3", "-alpn", "http/1.1"], false),
    ] {
        let Some((done, said)) = openssl(address, options) else { return };
        assert_eq!(done, goes, "{address} {options:?}: {said}");
    }
    let verified = ["-CAfile", &secured.ca, "-verify_return_error", "-verify_hostname", "localhost"];
    let Some((done, said)) = openssl(api, &verified) else { return };
    assert!(done, "{said}");
}

#[tokio::test]
async fn what_is_agreed_on_is_spoken() {
    let secured = Secured::new();
    let control_plane = secured.start(&[]);
    for protocol in ["h2", "http/1.1"] {
        let mut session = Session::open(control_plane.api(), "127.0.0.1", &[protocol]).await.unwrap();
        assert_eq!(session.alpn, protocol);
        assert_eq!(session.get("/readyz").await.unwrap().0, StatusCode::OK);
    }
    // A name of the certificate is as good as an address, without --allowed-host.
    let Some((said, code)) =
        curl(&["--cacert", &secured.ca, &format!("https://localhost:{}/readyz", control_plane.api().port())])
    else {
        return;
    };
    assert_eq!((said.as_str(), code), ("ok", 0));
}

#[test]
fn a_request_without_tls_is_told_so() {
    let secured = Secured::new();
    let control_plane = secured.start(&[]);
    for address in [control_plane.api(), control_plane.xds()] {
        let Some((said, _)) = curl(&["-i", &format!("http://{address}/readyz")]) else { return };
        assert!(said.starts_with("HTTP/1.0 400 Bad Request"), "{said}");
        assert!(said.contains("Client sent an HTTP request to an HTTPS server."), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_changes_is_shown_and_costs_no_request_and_a_bad_one_is_not_used() {
    let secured = Secured::new();
    let control_plane = secured.start(&[]);
    let api = control_plane.api();
    let proxy = secured.proxy(control_plane.xds(), &[]);
    let upstream = Upstream::answering("hello").await;
    let (listen, objects) = objects(upstream.port());
    secured.apply(api, &objects).await;
    let mut load = Load::start(2, SocketAddr::from(([127, 0, 0, 1], listen)), "any.example", "/");
    load.more(10).await;
    let old = Session::open(api, "127.0.0.1", &["h2"]).await.unwrap();

    secured.write("server.key", "nothing");
    control_plane.process.wait_for_line("what was read before stays in use");
    let mut kept = Session::open(api, "127.0.0.1", &["h2"]).await.unwrap();
    assert_eq!(kept.certificate, old.certificate);

    let new = secured.authority.issue(&["localhost", "127.0.0.1"]);
    new.write(secured.folder.path(), "server");
    until("the new certificate", || async {
        // Each request is answered, whichever certificate is shown.
        let mut session = Session::open(api, "127.0.0.1", &["h2"]).await.unwrap();
        assert_eq!(session.get("/readyz").await.unwrap().0, StatusCode::OK);
        session.certificate == new.der()
    })
    .await;
    assert_eq!(kept.get("/readyz").await.unwrap().0, StatusCode::OK, "connections go on as they are");
    load.more(10).await;
    load.stop().await.assert_all_ok();
    assert!(!proxy.process.printed().contains("not connected to the control plane"), "{}", proxy.process.printed());
    let left = metric(api, "backstay_tls_certificate_expires_seconds{door=\"api\"}").await;
    assert!(left > 0.0, "{left}");
}

#[test]
fn an_address_that_others_reach_needs_both_tls_and_authentication() {
    let secured = Secured::new();
    let data = secured.text("data");
    let run = |more: &[&str]| {
        let common = ["control-plane", "--data-dir", &data, "--xds", "127.0.0.1:0", "--api", "0.0.0.0:0"];
        let output = backstay([&common[..], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--api 0.0.0.0") && said.contains("no TLS and authentication"), "{said}");
    let (code, said) = run(&["--authority"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no authentication") && said.contains("--client-ca"), "{said}");
    let (code, said) =
        run(&["--tls-cert", &secured.text("server.crt"), "--tls-key", &secured.ca, "--client-ca", &secured.ca]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--tls-cert") && said.contains("private key"), "{said}");
}

#[test]
fn who_shows_nothing_reads_the_authority_and_health_alone() {
    let secured = Secured::new();
    let control_plane = secured.start(&["--client-ca", &secured.ca]);
    let api = control_plane.api();
    let life = std::time::Duration::from_secs(3600);
    let member =
        |organization, name| secured.authority.issue_member(organization, &[], life).write(secured.folder.path(), name);
    let ([cert, key], [other_cert, other_key]) = (member(Some("system:masters"), "alice"), member(None, "bob"));
    let backends = format!("https://{api}/apis/core.apoxy.dev/v1alpha2/backends");
    let status = ["-o", "/dev/null", "-w", "%{http_code}", "--cacert", &secured.ca];
    for (url, shown, expected) in [
        (backends.as_str(), &[][..], "403"),
        (&backends, &["--cert", &other_cert, "--key", &other_key], "403"),
        (&format!("https://{api}/apis"), &["--cert", &other_cert, "--key", &other_key], "200"),
        (&backends, &["-H", "Authorization: Bearer unknown"], "401"),
        (&backends, &["--cert", &cert, "--key", &key], "200"),
        (&format!("https://{api}/metrics"), &[], "403"),
        (&format!("https://{api}/readyz"), &[], "200"),
        (&format!("https://{api}/ca.pem"), &[], "404"),
    ] {
        let Some((said, code)) = curl(&[&status[..], shown, &[url]].concat()) else { return };
        assert_eq!((said.as_str(), code), (expected, 0), "{url} {shown:?}");
    }
    let stranger = crate::harness::tls::Authority::new();
    let [cert, key] = stranger.issue_client(&["spiffe://backstay/user/eve"], life).write(secured.folder.path(), "eve");
    let Some((said, code)) = curl(&[&status[..], &["--cert", &cert, "--key", &key, &backends]].concat()) else {
        return;
    };
    assert_ne!(code, 0, "a certificate of strangers ends the handshake: {said}");
}

#[test]
fn dev_with_tls_says_what_works() {
    let _ports = USUAL_PORTS.blocking_lock();
    let scratch = tempfile::tempdir().unwrap();
    let dev = Dev::start(&scratch.path().join("data"), &["--tls"]);
    let printed = dev.process.printed();
    let line = |program: &str| {
        let line = printed.lines().map(str::trim).find(|line| line.starts_with(program) && line.contains("https://"));
        line.unwrap_or_else(|| panic!("no {program} in {printed}")).to_owned()
    };
    let curl = line("curl --cacert");
    let kubectl = line("kubectl").replace(" edit backend ", " get backend ");
    let own = line("backstay get").replacen("backstay", env!("CARGO_BIN_EXE_backstay"), 1);
    for (command, there) in [
        (curl, tools::answers("curl", &["--version"])),
        (kubectl, tools::answers("kubectl", &["version", "--client"])),
        (own, true),
    ] {
        if !there {
            tools::lacking(&command, "what dev prints is not tried");
            continue;
        }
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

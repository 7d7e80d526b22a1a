//! What proxies show: bound to fleets, and over when it is over.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Secured, metric, objects};
use crate::harness::tls::Authority;
use crate::harness::{Load, Upstream};

const HOUR: Duration = Duration::from_secs(3600);
const EDGE: &str = "spiffe://backstay/fleet/default";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_a_proxy_join_its_fleets_and_no_other() {
    let secured = Secured::new();
    let tokens = secured.write_tokens(&[("good", "[default]"), ("other", "[edge]")]);
    let control_plane = secured.start(&["--tokens", &tokens]);
    let xds = control_plane.xds();
    let good = secured.write("good", "good\n");
    let other = secured.write("other", "other");

    let refused = secured.proxy(xds, &["--token-file", &other]);
    let line = refused.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("other may not join the fleet \"default\"") && line.contains("PermissionDenied"), "{line}");
    control_plane.process.wait_for_line("a proxy may not join a fleet");
    let nobody = secured.proxy(xds, &[]);
    let line = nobody.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("Unauthenticated") && line.contains("client certificate"), "{line}");

    let _proxy = secured.proxy(xds, &["--token-file", &good]);
    control_plane.process.wait_for_line("a proxy connected");
    let refused = |reason: &str| format!("backstay_xds_proxies_refused_total{{reason=\"{reason}\"}}");
    assert!(metric(control_plane.api(), &refused("fleet")).await >= 1.0);
    assert!(metric(control_plane.api(), &refused("unauthenticated")).await >= 1.0);
    let printed = control_plane.process.printed();
    assert!(!printed.contains(&backstay_auth::Digest::of("good").to_string()), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_changed_costs_no_request_and_one_that_is_taken_away_ends_its_stream() {
    let secured = Secured::new();
    let tokens = secured.write_tokens(&[("first", "[default]")]);
    let control_plane = secured.start(&["--tokens", &tokens]);
    let file = secured.write("token", "first");
    let proxy = secured.proxy(control_plane.xds(), &["--token-file", &file]);
    let upstream = Upstream::answering("hello").await;
    let (listen, objects) = objects(upstream.port());
    secured.apply(control_plane.api(), &objects).await;
    let mut load = Load::start(2, SocketAddr::from(([127, 0, 0, 1], listen)), "any.example", "/");

    // Both are taken while the proxy changes from one to the other.
    secured.write_tokens(&[("first", "[default]"), ("second", "[default]")]);
    control_plane.process.wait_for_line("tokens were read again");
    secured.write("token", "second");
    secured.write_tokens(&[("second", "[default]")]);
    control_plane.process.wait_for_line("a stream ends");
    control_plane.process.wait_for_line("a proxy connected");
    load.more(10).await;

    secured.write_tokens(&[]);
    let line = proxy.process.wait_for_line("(Unauthenticated)");
    assert!(line.contains("not connected to the control plane"), "{line}");
    load.more(10).await;
    load.stop().await.assert_all_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_names_the_fleet_and_ends_the_stream_when_it_ends() {
    let secured = Secured::new();
    let clients = Authority::new();
    let ca = secured.write("clients.pem", &clients.pem());
    let control_plane = secured.start(&["--xds-client-ca", &ca]);
    let xds = control_plane.xds();
    let show = |name: &str, uris: &[&str], life: Duration| {
        let [cert, key] = clients.issue_client(uris, life).write(secured.folder.path(), name);
        ["--client-cert".to_owned(), cert, "--client-key".to_owned(), key]
    };
    for (name, uris, said) in [
        ("edge", &["spiffe://backstay/fleet/edge"][..], "may not join the fleet \"default\""),
        ("two", &[EDGE, "spiffe://backstay/fleet/edge"], "exactly one URI"),
        ("elsewhere", &["spiffe://elsewhere/fleet/default"], "is not spiffe://backstay/fleet/FLEET"),
    ] {
        let shown = show(name, uris, HOUR);
        let refused = secured.proxy(xds, &shown.each_ref().map(String::as_str));
        let line = refused.process.wait_for_line("not connected to the control plane");
        assert!(line.contains(said), "{line}");
    }

    let shown = show("short", &[EDGE], Duration::from_secs(12));
    let proxy = secured.proxy(xds, &shown.each_ref().map(String::as_str));
    let upstream = Upstream::answering("hello").await;
    let (listen, objects) = objects(upstream.port());
    secured.apply(control_plane.api(), &objects).await;
    let mut load = Load::start(2, SocketAddr::from(([127, 0, 0, 1], listen)), "any.example", "/");
    // Renewed before it ends.
    show("short", &[EDGE], HOUR);
    let line = proxy.process.wait_for_line("(Unauthenticated)");
    assert!(line.contains("the client certificate has expired"), "{line}");
    control_plane.process.wait_for_line("a stream ends");
    control_plane.process.wait_for_line("a proxy connected");
    load.more(10).await;
    load.stop().await.assert_all_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_of_clients_change_with_two_at_once() {
    let secured = Secured::new();
    let (one, two) = (Authority::new(), Authority::new());
    let ca = secured.write("clients.pem", &one.pem());
    let control_plane = secured.start(&["--xds-client-ca", &ca]);
    let xds = control_plane.xds();
    let start = |authority: &Authority, name: &str| {
        let [cert, key] = authority.issue_client(&[EDGE], HOUR).write(secured.folder.path(), name);
        secured.proxy(xds, &["--client-cert", &cert, "--client-key", &key])
    };
    let first = start(&one, "one");
    control_plane.process.wait_for_line("a proxy connected");
    secured.write("clients.pem", &(one.pem() + &two.pem()));
    control_plane.process.wait_for_line("read again");
    let second = start(&two, "two");
    control_plane.process.wait_for_line("a proxy connected");
    assert!(!first.process.printed().contains("not connected"), "both are believed: {}", first.process.printed());
    secured.write("clients.pem", &two.pem());
    let line = first.process.wait_for_line("not connected to the control plane");
    assert!(line.contains("is not believed any more"), "{line}");
    assert!(!second.process.printed().contains("not connected"), "{}", second.process.printed());
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    let secured = Secured::new();
    let token = secured.write("token", "secret");
    let plain =
        ["proxy", "--control-plane", "http://192.0.2.1:18000", "--token-file", &token, "--admin", "127.0.0.1:0"];
    let output = crate::harness::backstay(plain);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("without TLS") && said.contains("192.0.2.1"), "{said}");
}

//! Hosts of one listener, asked for on a connection to another.

use std::cmp::Reverse;
use std::sync::Arc;

use backstay_model::{HostPattern, TlsTerms};
use backstay_proxy::config::{Edits, Rule, Socket};
use backstay_proxy::route::{Candidate, Matcher, Order, Table};
use backstay_proxy::server::Options;
use backstay_proxy::tls::{ServerNames, server_config};
use http::Request;
use http_body_util::Full;

use crate::support::{ANY_PORT, Client, H2Client, Proxy, access_log, text};
use crate::tls::{Authority, connect};

#[tokio::test]
async fn a_host_of_another_listener_than_the_connections_is_misdirected() {
    let authority = Authority::new();
    let mut names = ServerNames::default();
    for name in ["one.example", "*.two.example", "c.two.example"] {
        names.insert(HostPattern::parse(name).unwrap(), authority.sign(name));
    }
    names.insert(HostPattern::Any, authority.sign("127.0.0.1"));
    let mut table = Table::builder();
    for (rule, listener) in (0..).zip(["one.example", "*.two.example", "c.two.example"]) {
        table.candidate(Candidate {
            listener: HostPattern::parse(listener).unwrap(),
            host: HostPattern::Any,
            order: Order { precedence: Reverse(0), route: "route/test".into(), rule, position: 0 },
            matcher: Matcher::prefix("/"),
            rule: Arc::new(Rule {
                route: "route/test".into(),
                name: "".into(),
                guards: None,
                token: None,
                client_address: None,
                filters: Edits::default(),
                calls: Box::default(),
                passages: Box::default(),
                action: text(200, listener),
            }),
        });
    }
    let (tls, table) = (Some(server_config(names, &TlsTerms::default()).unwrap()), table.build());
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy =
        Proxy::with(options, Arc::new(Socket { address: ANY_PORT, listeners: vec![], tls, limits: None, table })).await;
    for (sni, host, status) in [
        ("one.example", "one.example", 200),
        ("one.example", "ONE.example.:8443", 200),
        ("OnE.example", "one.example", 200),
        // Names of one listener may share a connection.
        ("a.two.example", "b.two.example", 200),
        ("one.example", "a.two.example", 421),
        ("a.two.example", "one.example", 421),
        ("a.two.example", "c.two.example", 421),
        ("c.two.example", "a.two.example", 421),
        // Nobody's.
        ("one.example", "three.example", 404),
        // By address there is no server name, and nothing that the host could differ from.
        ("127.0.0.1", "one.example", 200),
    ] {
        let mut client = Client::over(connect(&proxy, &authority, sni, &[]).await.unwrap()).await;
        let request = Request::get("/").header("host", host).body(Full::default()).unwrap();
        assert_eq!(client.send(request).await.status, status, "{sni} {host}");
        let mut client = H2Client::over(connect(&proxy, &authority, sni, &[b"h2"]).await.unwrap()).await;
        assert_eq!(client.get(&format!("https://{host}/")).await.status, status, "{sni} {host}, HTTP/2");
        for line in [lines.next(), lines.next()] {
            let expected = match status {
                200 => ("-", "direct_response"),
                421 => ("NR", "misdirected_request"),
                _ => ("NR", "route_not_found"),
            };
            assert_eq!((&line["flags"], &line["details"]), (&expected.0.into(), &expected.1.into()), "{sni} {host}");
        }
    }
}

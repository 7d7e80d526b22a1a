//! Upstreams that are found by name: endpoints that follow DNS, and the forward proxy that asks for any name.

#[path = "../../crates/dns-cache/tests/resolver/server.rs"]
mod dns;

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::rr::RecordType;
use http::StatusCode;
use serde_json::{Value, json};

use self::dns::{DnsServer, Reply};
use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES};
use crate::harness::tls::Authority;
use crate::harness::{Client, ControlPlane, Proxy, Rest, Upstream, manifest, port};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Gateway `web` on `listen`, and the Backend `app` behind all hosts; without a port, as the request says.
async fn serve(rest: &Rest, listen: u16, spec: Value, port: Option<u16>) {
    let mut backend = manifest::backend("app", &[]);
    backend["spec"] = spec;
    let mut route = manifest::route("app", "web", "unused", "app", 1);
    route["spec"]["hostnames"] = json!([]);
    route["spec"]["rules"][0]["backendRefs"][0] = match port {
        Some(port) => json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "app", "port": port}),
        None => json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "app"}),
    };
    for object in [manifest::gateway("web", listen), backend, route] {
        rest.create(&object).await;
    }
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.wait_for(&format!("{ROUTES}/app"), "ResolvedRefs").await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_follow_what_dns_says_of_their_name() {
    let dns = DnsServer::start().await;
    let port = port::free();
    let first = Upstream::answering_on(SocketAddr::from(([127, 0, 0, 2], port)), "first").await;
    let _second = Upstream::answering_on(SocketAddr::from(([127, 0, 0, 3], port)), "second").await;
    dns.set("up.test", RecordType::A, Reply::Addresses(1, vec!["127.0.0.2"]));
    dns.set("up.test", RecordType::AAAA, Reply::NoData);
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start_with(control_plane.xds(), &["--dns-server", &dns.address.to_string()]);
    let listen = port::free();
    serve(&control_plane.rest(), listen, json!({"endpoints": [{"fqdn": "up.test"}]}), Some(port)).await;
    let client = Client::new();
    let body = async || {
        let answer = client.get(local(listen), "any.test", "/").await.unwrap();
        if answer.status.is_success() { answer.text() } else { String::new() }
    };
    crate::harness::traffic::until("the first address", || async { body().await == "first" }).await;
    // Asked again when its time is over, and followed; the old address answers no more.
    dns.set("up.test", RecordType::A, Reply::Addresses(1, vec!["127.0.0.3"]));
    crate::harness::traffic::until("the second address", || async { body().await == "second" }).await;
    drop(first);
    for _ in 0..20 {
        assert_eq!(body().await, "second");
    }
    // A server that fails says nothing about the name: what was known holds.
    dns.set("up.test", RecordType::A, Reply::Code(hickory_proto::op::ResponseCode::ServFail));
    dns.asked();
    crate::harness::traffic::until("another question", || async {
        assert_eq!(body().await, "second");
        dns.asked().iter().any(|(name, kind, _)| name == "up.test" && *kind == RecordType::A)
    })
    .await;
    assert_eq!(body().await, "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dynamic_backend_goes_to_the_host_that_is_asked_for_but_never_back_to_itself() {
    let dns = DnsServer::start().await;
    let upstream = Upstream::answering("found").await;
    let (listen, other, control_plane) = (port::free(), port::free(), ControlPlane::start());
    let proxy = Proxy::start_with(control_plane.xds(), &["--dns-server", &dns.address.to_string()]);
    for name in ["here.test", "loop.test", "sub.allowed.test"] {
        dns.set(name, RecordType::A, Reply::Addresses(60, vec!["127.0.0.1"]));
        dns.set(name, RecordType::AAAA, Reply::NoData);
    }
    let rest = control_plane.rest();
    // With a listener more, on all addresses.
    let mut second = manifest::gateway("second", other);
    second["spec"].as_object_mut().unwrap().remove("addresses");
    rest.create(&second).await;
    serve(&rest, listen, json!({"dynamicProxy": {}}), None).await;
    rest.wait_for(&format!("{GATEWAYS}/second"), "Programmed").await;
    let stored = rest.read(&format!("{BACKENDS}/app")).await;
    let defaults = json!({"dnsLookupFamily": "auto", "dnsRefreshRate": "1m0s", "dnsMinRefreshRate": "5s",
        "dnsQueryTimeout": "5s", "hostTTL": "5m0s", "maxHosts": 1024});
    assert_eq!(stored["spec"]["dynamicProxy"]["dnsCacheConfig"], defaults);

    let client = Client::new();
    let ask = async |host: &str| client.get(local(listen), host, "/").await.unwrap();
    let port = upstream.port();
    // Addresses of the proxy's own machine are for those who say so.
    for host in [format!("here.test:{port}"), format!("127.0.0.1:{port}")] {
        assert_eq!(ask(&host).await.status, StatusCode::SERVICE_UNAVAILABLE, "{host}");
    }
    let allow = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"},
        "spec": {"targetRefs": [{"name": "app"}], "dynamicProxy": {"addresses": {"allow": ["127.0.0.0/8", "::/0", "0.0.0.0/8"]}}}});
    rest.create(&allow).await;
    crate::harness::traffic::until("what is allowed", || async {
        ask(&format!("127.0.0.1:{port}")).await.status == StatusCode::OK
    })
    .await;
    for host in [format!("here.test:{port}"), format!("127.0.0.1:{port}"), format!("HERE.test:{port}")] {
        let answer = ask(&host).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "found".to_owned()), "{host}");
    }
    let before = upstream.seen().len();
    let absent = ask(&format!("absent.test:{port}")).await;
    assert!(absent.status.is_server_error(), "{}", absent.status);
    // Its own listeners and its admin address, by name and by number.
    for own in [listen, other, proxy.admin.port()] {
        for host in ["loop.test", "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            let answer = ask(&format!("{host}:{own}")).await;
            assert!(
                answer.status.is_client_error() || answer.status.is_server_error(),
                "{host}:{own}: {}",
                answer.status
            );
            assert!(!answer.text().contains("found"), "{host}:{own}");
        }
    }
    let connections = client.get(proxy.admin, &proxy.admin.to_string(), "/ready").await.unwrap();
    assert_eq!(connections.status, StatusCode::OK, "and it lives");
    assert_eq!(upstream.seen().len(), before);

    // Endpoints are the hosts that may be asked for.
    let allow = json!({"spec": {"endpoints": [{"fqdn": "*.allowed.test"}]}});
    rest.change(&format!("{BACKENDS}/app"), &allow).await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    assert_eq!(ask(&format!("sub.allowed.test:{port}")).await.text(), "found");
    for host in ["here.test", "127.0.0.1", "allowed.test", "sub.allowed.test.evil"] {
        let answer = ask(&format!("{host}:{port}")).await;
        assert!(!answer.status.is_success(), "{host}: {}", answer.status);
    }
}

/// Puts TLS with a certificate of `authority` for `name` before `server`.
async fn over_tls(server: &Arc<DnsServer>, authority: &Authority, name: &str) -> SocketAddr {
    let acceptor = authority.issue(&[name]).acceptor(&[]);
    let listener = tokio::net::TcpListener::bind(local(0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::clone(server);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate goes away.
            if let Ok(stream) = acceptor.accept(stream).await {
                server.serve(stream, "tls");
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_asked_for_over_tls_where_the_command_says_so() {
    let dns = Arc::new(DnsServer::start().await);
    dns.set("here.test", RecordType::A, Reply::Addresses(60, vec!["127.0.0.1"]));
    dns.set("here.test", RecordType::AAAA, Reply::NoData);
    let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
    let trusted = files.path().join("authorities.pem");
    std::fs::write(&trusted, authority.pem()).unwrap();
    let address = over_tls(&dns, &authority, "dns.test").await;
    let upstream = Upstream::answering("found").await;
    let client = Client::new();
    for (name, status, transports) in [("dns.test", 200, vec!["tls", "tls"]), ("other.test", 503, vec![])] {
        let (listen, control_plane) = (port::free(), ControlPlane::start());
        let server = format!("tls://{address}#{name}");
        let _proxy = Proxy::start_trusting(&trusted, control_plane.xds(), &["--dns-server", &server]);
        let rest = control_plane.rest();
        let allow = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"},
            "spec": {"targetRefs": [{"name": "app"}], "dynamicProxy": {"addresses": {"allow": ["127.0.0.0/8"]}}}});
        rest.create(&allow).await;
        serve(&rest, listen, json!({"dynamicProxy": {}}), None).await;
        let answer = client.get(local(listen), &format!("here.test:{}", upstream.port()), "/").await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
        let asked: Vec<_> = dns.asked().into_iter().map(|(.., transport)| transport).collect();
        assert_eq!(asked, transports, "nothing is said to a stranger, nor in the open");
    }
}

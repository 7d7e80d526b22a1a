//! Backends that go where the request says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use backstay_model::{Allowed, HostPattern};
use backstay_proxy::server::Options;
use backstay_upstream::{Backend, Discovery, Dynamic, Lookup, Resolve, Unresolved};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::oneshot;

use crate::support::{ANY_PORT, BackendOf, Proxy, Routes, Upstream, ask, echo, socket, to};

/// Resolves every name to `address`, and remembers what it was asked.
#[derive(Debug)]
pub(crate) struct Always {
    addresses: Vec<SocketAddr>,
    asked: Mutex<Vec<(String, u16)>>,
}

impl Resolve for Always {
    fn lookup(&self, host: &str, port: u16) -> Lookup {
        self.asked.lock().unwrap().push((host.to_owned(), port));
        Lookup::Ready(self.addresses.clone().into())
    }
}

fn dynamic(resolve: Arc<dyn Resolve>, allowed: Allowed) -> Arc<Backend> {
    let mut backend = BackendOf::http1(&[]);
    backend.discovery = Discovery::Dynamic(Dynamic { resolve, allowed, loops: None });
    backend.build()
}

pub(crate) fn always(addresses: &[SocketAddr]) -> Arc<Always> {
    Arc::new(Always { addresses: addresses.to_vec(), asked: Mutex::default() })
}

#[tokio::test]
async fn host_and_port_come_from_the_authority_and_the_port_may_be_fixed() {
    let upstream = Upstream::http1(echo).await;
    let resolve = always(&[upstream.address]);
    for (port, expected) in [(0, [80, 8080]), (7, [7, 7])] {
        let backend = dynamic(resolve.clone(), Allowed::All);
        let proxy = Proxy::start(Routes::all(to(&backend, port))).await;
        for (host, asked) in [("Plain.Example", "plain.example"), ("[::1]:8080", "::1")] {
            assert_eq!(ask(proxy.address, Request::get("/").header("host", host)).await.status, 200);
            let expected = expected[usize::from(host.contains("8080"))];
            assert_eq!(resolve.asked.lock().unwrap().pop().unwrap(), (asked.to_owned(), expected));
        }
    }
}

#[tokio::test]
async fn only_allowed_names_are_asked_for() {
    let upstream = Upstream::http1(echo).await;
    let resolve = always(&[upstream.address]);
    let allowed = ["a.example", "*.b.example"].map(|text| HostPattern::parse(text).unwrap());
    let backend = dynamic(resolve.clone(), Allowed::Only(Box::new(allowed)));
    let proxy = Proxy::start(Routes::all(to(&backend, 0))).await;
    for (host, status) in
        [("a.example", 200), ("A.example.:81", 200), ("x.b.example", 200), ("b.example", 403), ("127.0.0.1", 403)]
    {
        let answer = ask(proxy.address, Request::get("/").header("host", host)).await;
        assert_eq!(answer.status, status, "{host}");
    }
    assert_eq!(resolve.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn another_address_is_tried_when_one_refuses() {
    let upstream = Upstream::http1(echo).await;
    let dead = SocketAddr::from(([127, 0, 0, 9], upstream.address.port()));
    let backend = dynamic(always(&[dead, upstream.address]), Allowed::All);
    let proxy = Proxy::start(Routes::all(to(&backend, 0))).await;
    for _ in 0..2 {
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn all_addresses_of_a_name_are_tried() {
    let upstream = Upstream::http1(echo).await;
    let port = upstream.address.port();
    for position in [8_u16, 64, 299] {
        let dead = (0..400_u16).map(|number| SocketAddr::from(([127, 9, (number >> 8) as u8, number as u8], port)));
        let mut addresses: Vec<_> = dead.collect();
        addresses[usize::from(position)] = upstream.address;
        let backend = dynamic(always(&addresses), Allowed::All);
        let proxy = Proxy::start(Routes::all(to(&backend, 0))).await;
        for _ in 0..2 {
            assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200, "{position}");
        }
    }
    assert_eq!(upstream.connections(), 3, "the connection that was found is kept, however far down its address stands");
}

#[derive(Debug)]
struct Later(Mutex<Option<oneshot::Receiver<Result<SocketAddr, Unresolved>>>>);

impl Resolve for Later {
    fn lookup(&self, _: &str, _: u16) -> Lookup {
        let answer = self.0.lock().unwrap().take().unwrap();
        Lookup::Pending(Box::pin(async { answer.await.unwrap().map(|address| [address].into()) }))
    }
}

#[tokio::test]
async fn a_request_waits_for_its_name() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::from("found")) }).await;
    let refusal = Unresolved {
        status: StatusCode::SERVICE_UNAVAILABLE,
        body: "DNS resolution failure".into(),
        details: "dns".into(),
        of_dns: true,
    };
    for (answer, expected) in [(Ok(upstream.address), (200, "found")), (Err(refusal), (503, "DNS resolution failure"))]
    {
        let (tell, later) = oneshot::channel();
        let backend = dynamic(Arc::new(Later(Mutex::new(Some(later)))), Allowed::All);
        let proxy = Proxy::start(Routes::all(to(&backend, 0))).await;
        let address = proxy.address;
        let asking = tokio::spawn(async move { ask(address, Request::get("/")).await });
        tell.send(answer).unwrap();
        let answer = crate::support::soon(asking).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.text()), expected);
    }
}

/// Resolves every name to one address, with the port that was asked for.
#[derive(Debug)]
struct At(std::net::IpAddr);

impl Resolve for At {
    fn lookup(&self, _: &str, port: u16) -> Lookup {
        Lookup::Ready([SocketAddr::new(self.0, port)].into())
    }
}

#[tokio::test]
async fn the_proxy_does_not_dial_itself() {
    let admin = tokio::net::TcpListener::bind(ANY_PORT).await.unwrap();
    let admin_port = admin.local_addr().unwrap().port();
    for target in ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::ffff:127.0.0.1", "::"] {
        let backend = dynamic(Arc::new(At(target.parse().unwrap())), Allowed::All);
        let options = Options { own_addresses: vec![admin.local_addr().unwrap()], ..Options::default() };
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let proxy = Proxy::with(options, socket(everywhere, Routes::all(to(&backend, 0)))).await;
        let own = SocketAddr::from(([127, 0, 0, 1], proxy.address.port()));
        for port in [proxy.address.port(), admin_port] {
            let answer = ask(own, Request::get("/").header("host", format!("loop.example:{port}"))).await;
            if answer.text().contains("remote connection failure") {
                // Nothing listens there (the admin address is bound on one loopback address only).
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.text()), (503, "the request would come back to this proxy"));
        }
    }
}

//! Clients that leave: whatever they waited for, nothing stays counted.

use std::net::SocketAddr;
use std::time::Duration;

use backstay_proto::config::load_balancing::{LeastRequest, Policy};
use backstay_proto::config::{
    AddressRules, Backend, BackendRef, DnsCache, DynamicForward, Filter, Limits, LoadBalancing, Mirror, Retries,
    Timeouts, backend as config, dns_cache, filter, resource,
};
use backstay_proxy::{Options, Proxy};
use bytes::Bytes;
use futures::StreamExt as _;
use hickory_proto::rr::RecordType;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::dns_server::{DnsServer, Reply};
use super::plane::{ControlPlane, free_port};
use super::traffic::read_head;
use super::{acknowledged, admin, backend, ip, listener, options, route};

const HOST: &str = "shop.example";
/// Longer than any test.
const HOUR: Option<prost_types::Duration> = Some(prost_types::Duration { seconds: 3600, nanos: 0 });

/// A client with one request, of which half the body has been sent.
enum Client {
    /// Leaves by closing its connection.
    Http1(TcpStream),
    /// Leaves by resetting its stream; the connection stays.
    Http2 { asking: JoinHandle<()>, parts: mpsc::UnboundedReceiver<Bytes>, _sender: Sender },
}

type Sender = http2::SendRequest<http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>>;

impl Client {
    async fn ask(listen: u16, over_http2: bool, half: Option<&'static str>) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", listen)).await.unwrap();
        if !over_http2 {
            let rest = half.map_or_else(|| "\r\n".to_owned(), |half| format!("content-length: 1000\r\n\r\n{half}"));
            let method = if half.is_some() { "POST" } else { "GET" };
            let request = format!("{method} / HTTP/1.1\r\nhost: {HOST}\r\n{rest}");
            stream.write_all(request.as_bytes()).await.unwrap();
            return Self::Http1(stream);
        }
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder().uri(format!("http://{HOST}/"));
        let request = match half {
            None => request.body(http_body_util::Empty::new().boxed()),
            Some(half) => {
                let half = futures::stream::iter([Ok(Frame::data(Bytes::from(half)))]);
                request.method("POST").body(BodyExt::boxed(StreamBody::new(half.chain(futures::stream::pending()))))
            }
        };
        let (tell, parts) = mpsc::unbounded_channel();
        let answer = sender.send_request(request.unwrap());
        let asking = tokio::spawn(async move {
            let mut body = answer.await.unwrap().into_body();
            while let Some(Ok(frame)) = body.frame().await {
                let _ = tell.send(frame.into_data().unwrap());
            }
        });
        Self::Http2 { asking, parts, _sender: sender }
    }

    /// Waits for this part of the answer's body.
    async fn reads(&mut self, part: &str) {
        match self {
            Self::Http1(stream) => {
                let mut read = Vec::new();
                while !read.ends_with(part.as_bytes()) {
                    read.push(stream.read_u8().await.unwrap());
                }
            }
            Self::Http2 { parts, .. } => assert_eq!(parts.recv().await.unwrap(), part),
        }
    }

    /// The connection of an HTTP/2 client is returned: it is not to be closed.
    fn leave(self) -> Option<Sender> {
        match self {
            Self::Http1(_) => None,
            Self::Http2 { asking, _sender: sender, .. } => {
                asking.abort();
                Some(sender)
            }
        }
    }
}

/// A backend at 127.0.0.1 whose requests are all counted.
fn counted(change: impl FnOnce(&mut Backend)) -> resource::Kind {
    let resource::Kind::Backend(mut kind) = backend(vec![ip("127.0.0.1")]) else { unreachable!() };
    kind.limits = Some(Limits { requests: Some(100), ..Limits::default() });
    let least_request = Policy::LeastRequest(LeastRequest::default());
    kind.load_balancing = Some(LoadBalancing { policy: Some(least_request), ..LoadBalancing::default() });
    change(&mut kind);
    resource::Kind::Backend(kind)
}

struct Scene {
    proxy: Proxy,
    plane: ControlPlane,
    listen: u16,
}

impl Scene {
    async fn set(options_of: impl FnOnce(Options) -> Options, port: u16, backend: resource::Kind) -> Self {
        let (mut plane, listen) = (ControlPlane::start().await, free_port());
        // One thread: each has a connection of its own, whatever the limit.
        let options = Options { threads: 1, ..options(Some(plane.address)) };
        let proxy = Proxy::start(options_of(options)).await.unwrap();
        plane.put(vec![
            ("listener/n/g/http", listener(listen)),
            ("backend/web", backend),
            ("route/n/web", route(port)),
        ]);
        acknowledged(&mut plane, 1).await;
        Self { proxy, plane, listen }
    }

    /// An upstream to accept from by hand, before which there is the proxy.
    async fn before(change: impl FnOnce(&mut Backend)) -> (Self, TcpListener) {
        let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = upstream.local_addr().unwrap().port();
        (Self::set(|options| options, port, counted(change)).await, upstream)
    }

    async fn client(&self, over_http2: bool) -> Client {
        Client::ask(self.listen, over_http2, None).await
    }

    /// All that the admin endpoint counts as under way, by backend.
    async fn under_way(&self) -> Vec<String> {
        let shown: Value = serde_json::from_str(&admin(&self.proxy, "/backends").await.1).unwrap();
        let mut counts: Vec<(String, u64)> = Vec::new();
        for backend in shown["backends"].as_array().unwrap() {
            let name = backend["name"].as_str().unwrap().trim_start_matches("backend/");
            for (limit, count) in backend["limits"].as_object().unwrap() {
                // What nobody counts is null.
                counts.push((format!("{name} {limit}"), count["active"].as_u64().unwrap_or(0)));
            }
            for endpoint in backend["endpoints"].as_array().into_iter().flatten() {
                for count in ["activeRequests", "connections"] {
                    counts.push((format!("{name} endpoint {count}"), endpoint[count].as_u64().unwrap()));
                }
            }
        }
        let metrics = admin(&self.proxy, "/metrics").await.1;
        for name in ["backend_active_requests", "backend_connections", "dns_cache_pending_requests"] {
            let sample = format!("backstay_{name}{{backend=\"backend/");
            for (backend, count) in metrics.lines().filter_map(|line| line.strip_prefix(&sample)?.split_once("\"} ")) {
                counts.push((format!("{backend} {name}"), count.parse().unwrap()));
            }
        }
        counts.retain(|(_, count)| *count > 0);
        counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect()
    }

    /// Waits until just this is under way.
    async fn until(&self, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let mut found = Vec::new();
        let seen = async {
            while found != expected {
                found = self.under_way().await;
                found.sort_unstable();
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), seen).await;
        assert!(in_time.is_ok(), "{found:#?}\ninstead of\n{expected:#?}");
    }
}

async fn accept(upstream: &TcpListener) -> TcpStream {
    let (mut stream, _) = upstream.accept().await.unwrap();
    read_head(&mut stream).await;
    stream
}

/// One request under way on one connection.
const ONE: [&str; 7] = [
    "web connections 1",
    "web connectionsPerEndpoint 1",
    "web requests 1",
    "web endpoint activeRequests 1",
    "web endpoint connections 1",
    "web backend_active_requests 1",
    "web backend_connections 1",
];

#[tokio::test]
async fn while_a_name_is_looked_up() {
    let server = DnsServer::start().await;
    server.set(HOST, RecordType::A, Reply::Silence);
    let cache =
        DnsCache { lookup_family: dns_cache::LookupFamily::V4Only.into(), query_timeout: HOUR, ..DnsCache::default() };
    let forward = DynamicForward {
        dns_cache: Some(cache),
        address_rules: Some(AddressRules { allow: vec!["127.0.0.0/8".into()], ..AddressRules::default() }),
        ..DynamicForward::default()
    };
    let dynamic = Backend { discovery: Some(config::Discovery::DynamicForward(forward)), ..Backend::default() };
    let with_dns = |options| Options { dns_servers: vec![server.address.into()], ..options };
    let scene = Scene::set(with_dns, 0, resource::Kind::Backend(dynamic)).await;
    let mut kept = Vec::new();
    for over_http2 in [false, true] {
        let client = scene.client(over_http2).await;
        scene.until(&["web dns_cache_pending_requests 1", "web backend_active_requests 1"]).await;
        kept.push(client.leave());
        scene.until(&[]).await;
    }
    scene.proxy.shutdown().await;
}

#[tokio::test]
async fn while_another_has_the_only_connection() {
    let one = Limits { connections: Some(1), requests: Some(100), ..Limits::default() };
    let (scene, upstream) = Scene::before(|backend| backend.limits = Some(one)).await;
    for over_http2 in [false, true] {
        let first = scene.client(over_http2).await;
        let _stream = accept(&upstream).await;
        scene.until(&ONE).await;
        let second = scene.client(over_http2).await;
        let waiting = ["web pendingRequests 1", "web backend_active_requests 2"];
        let held = ONE.into_iter().filter(|count| *count != "web backend_active_requests 1");
        scene.until(&held.chain(waiting).collect::<Vec<_>>()).await;
        let _kept = second.leave();
        scene.until(&ONE).await;
        let _kept = first.leave();
        scene.until(&[]).await;
    }
    scene.proxy.shutdown().await;
}

#[tokio::test]
async fn while_a_connection_is_being_opened() {
    // A backlog that is full: further connections are not answered.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let _fill = std::net::TcpStream::connect(address).unwrap();
    for protocol in [config::Protocol::Http1, config::Protocol::Http2] {
        let timeouts = Timeouts { connect: HOUR, ..Timeouts::default() };
        let slow = counted(|backend| {
            backend.timeouts = Some(timeouts);
            backend.protocol = protocol.into();
        });
        let scene = Scene::set(|options| options, address.port(), slow).await;
        for over_http2 in [false, true] {
            let client = scene.client(over_http2).await;
            let opening = [
                "web connections 1",
                "web connectionsPerEndpoint 1",
                "web pendingRequests 1",
                "web endpoint connections 1",
                "web backend_active_requests 1",
            ];
            scene.until(&opening).await;
            let _kept = client.leave();
            scene.until(&[]).await;
        }
        scene.proxy.shutdown().await;
    }
}

#[tokio::test]
async fn before_the_next_try() {
    let retries = Retries { on: vec!["5xx".to_owned()], back_off_base: HOUR, back_off_max: HOUR, ..Retries::default() };
    let (scene, upstream) = Scene::before(|backend| backend.retries = Some(retries)).await;
    for over_http2 in [false, true] {
        let client = scene.client(over_http2).await;
        let mut stream = accept(&upstream).await;
        stream.write_all(b"HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        scene.until(&["web retries 1", "web retryBudget 1", "web backend_active_requests 1"]).await;
        let _kept = client.leave();
        scene.until(&[]).await;
    }
    scene.proxy.shutdown().await;
}

#[tokio::test]
async fn before_and_within_the_answer() {
    let (scene, upstream) = Scene::before(|_| ()).await;
    for over_http2 in [false, true] {
        for half in [None, Some("half of the request")] {
            for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf"] {
                let mut client = Client::ask(scene.listen, over_http2, half).await;
                let mut stream = accept(&upstream).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
                if !answer.is_empty() {
                    client.reads("half").await;
                }
                scene.until(&ONE).await;
                let _kept = client.leave();
                scene.until(&[]).await;
            }
        }
    }
    scene.proxy.shutdown().await;
}

#[tokio::test]
async fn while_a_copy_is_under_way() {
    let (mut scene, upstream) = Scene::before(|_| ()).await;
    let second = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let resource::Kind::Route(mut mirrored) = route(upstream.local_addr().unwrap().port()) else { unreachable!() };
    let port = second.local_addr().unwrap().port().into();
    let copy = BackendRef { backend: "backend/copy".to_owned(), port };
    let mirror = Mirror { backend: Some(copy), numerator: 1, denominator: 1 };
    mirrored.rules[0].filters = vec![Filter { kind: Some(filter::Kind::Mirror(mirror)) }];
    scene.plane.put(vec![("backend/copy", counted(|_| ())), ("route/n/web", resource::Kind::Route(mirrored))]);
    acknowledged(&mut scene.plane, 2).await;
    let copied = [
        "copy connections 1",
        "copy connectionsPerEndpoint 1",
        "copy requests 1",
        "copy endpoint activeRequests 1",
        "copy endpoint connections 1",
        "copy backend_connections 1",
    ];
    for over_http2 in [false, true] {
        for half in [None, Some("half of the request")] {
            let client = Client::ask(scene.listen, over_http2, half).await;
            let (_one, mut two) = tokio::join!(accept(&upstream), accept(&second));
            scene.until(&[&ONE[..], &copied[..]].concat()).await;
            let _kept = client.leave();
            if half.is_none() {
                // A whole copy is on its own.
                scene.until(&copied).await;
                two.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            }
            scene.until(&[]).await;
        }
    }
    scene.proxy.shutdown().await;
}

#[tokio::test]
async fn over_a_connection_that_others_share() {
    let http2 = |backend: &mut Backend| backend.protocol = config::Protocol::Http2.into();
    let (scene, upstream) = Scene::before(http2).await;
    let serving = tokio::spawn(async move {
        let (stream, _) = upstream.accept().await.unwrap();
        let silent = hyper::service::service_fn(|_| {
            std::future::pending::<Result<http::Response<http_body_util::Empty<Bytes>>, std::convert::Infallible>>()
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = connection.serve_connection(TokioIo::new(stream), silent).await;
    });
    let shared = [
        "web connections 1",
        "web connectionsPerEndpoint 1",
        "web endpoint connections 1",
        "web backend_connections 1",
    ];
    for over_http2 in [false, true] {
        let client = scene.client(over_http2).await;
        scene.until(&ONE).await;
        let _kept = client.leave();
        scene.until(&shared).await;
    }
    serving.abort();
    scene.until(&[]).await;
    scene.proxy.shutdown().await;
}

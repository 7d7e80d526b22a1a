//! gRPC health checks, and where requests go meanwhile.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use backstay_proto::config::load_balancing::{Policy, RoundRobin};
use backstay_proto::config::{Backend, HealthCheck, HostRewrite, LoadBalancing, health_check, host_rewrite, resource};
use backstay_proxy::{Options, Proxy};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use super::plane::{ControlPlane, free_port};
use super::traffic::get;
use super::{acknowledged, admin, backend, ip, listener, options, route};

const SERVICE: &str = "shop.Cart";

/// How questions are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answering {
    /// By the service.
    Service,
    /// As a server without the service does.
    Unimplemented,
    /// With this status, whether or not the service would say it.
    Status(i32),
    /// As the service does; but whatever else is asked, with the note that the server is down.
    Leaving,
}

struct State {
    name: &'static str,
    reporter: HealthReporter,
    answering: Mutex<Answering>,
    /// Authority and service of each question.
    asked: Mutex<Vec<(String, String)>>,
}

/// A gRPC server with a health service. Whatever else it is asked, it answers with its name.
struct Grpc {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinSet<()>,
}

impl Grpc {
    fn serve(name: &'static str, listener: TcpListener) -> Self {
        let state = Arc::new(State {
            name,
            reporter: HealthReporter::new(),
            answering: Mutex::new(Answering::Service),
            asked: Mutex::default(),
        });
        let mut upstream = Self { address: listener.local_addr().unwrap(), state, serving: JoinSet::new() };
        upstream.listen(listener);
        upstream
    }

    /// Two on one port, at 127.0.0.1 and 127.0.0.2.
    async fn pair() -> (Self, Self) {
        loop {
            let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = first.local_addr().unwrap().port();
            if let Ok(second) = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)).await {
                return (Self::serve("one", first), Self::serve("two", second));
            }
        }
    }

    fn listen(&mut self, listener: TcpListener) {
        let state = Arc::clone(&self.state);
        self.serving.spawn(async move {
            // Dropped with the listener: nobody is served by a server that is gone.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let connection = http2::Builder::new(TokioExecutor::new());
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    }

    /// Nobody listens any more.
    async fn stop(&mut self) {
        self.serving.shutdown().await;
    }

    /// Listens where it did before.
    async fn restart(&mut self) {
        self.listen(TcpListener::bind(self.address).await.unwrap());
    }

    fn answering(&self, answering: Answering) {
        *self.state.answering.lock().unwrap() = answering;
    }

    async fn report(&self, status: ServingStatus) {
        self.state.reporter.set_service_status(SERVICE, status).await;
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() != "/grpc.health.v1.Health/Check" {
        let mut response = Response::new(Body::new(Full::from(state.name)));
        if *state.answering.lock().unwrap() == Answering::Leaving {
            let name = http::HeaderName::from_static("x-envoy-immediate-health-check-fail");
            response.headers_mut().insert(name, http::HeaderValue::from_static("true"));
        }
        return Ok(response);
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    // Behind the prefix of a message.
    let question = HealthCheckRequest::decode(&body[5..]).unwrap();
    let authority = parts.uri.authority().unwrap().to_string();
    state.asked.lock().unwrap().push((authority, question.service));
    let answering = *state.answering.lock().unwrap();
    Ok(match answering {
        Answering::Unimplemented => tonic::Status::unimplemented("").into_http(),
        Answering::Status(status) => {
            let message = HealthCheckResponse { status }.encode_to_vec();
            let prefix = [0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
            let body = Full::<bytes::Bytes>::from([&prefix[..], &message].concat());
            let trailers = http::HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-status"),
                http::HeaderValue::from_static("0"),
            )]);
            let body = body.with_trailers(async { Some(Ok(trailers)) });
            Response::builder().header("content-type", "application/grpc").body(Body::new(body)).unwrap()
        }
        Answering::Service | Answering::Leaving => {
            let mut service = HealthServer::new(HealthService::from_health_reporter(state.reporter.clone()));
            service.call(Request::from_parts(parts, Full::<bytes::Bytes>::from(body))).await.unwrap()
        }
    })
}

fn check(unhealthy: u32) -> HealthCheck {
    let millis = |millis: i32| Some(prost_types::Duration { seconds: 0, nanos: millis * 1_000_000 });
    HealthCheck {
        kind: Some(health_check::Kind::Grpc(health_check::Grpc { service: SERVICE.to_owned() })),
        timeout: Some(prost_types::Duration { seconds: 20, nanos: 0 }),
        interval: millis(10),
        verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 2, unhealthy })),
        ..HealthCheck::default()
    }
}

/// A backend of both upstreams. Nobody is asked who has failed, whatever the others do.
fn checked(check: HealthCheck, host: Option<&str>) -> resource::Kind {
    let resource::Kind::Backend(plain) = backend(vec![ip("127.0.0.1"), ip("127.0.0.2")]) else { unreachable!() };
    resource::Kind::Backend(Backend {
        protocol: backstay_proto::config::backend::Protocol::Http2.into(),
        health_checks: vec![check],
        load_balancing: Some(LoadBalancing {
            policy: Some(Policy::RoundRobin(RoundRobin {})),
            panic_threshold: Some(0),
            ..LoadBalancing::default()
        }),
        host: host.map(|host| HostRewrite { kind: Some(host_rewrite::Kind::Literal(host.to_owned())) }),
        ..plain
    })
}

/// A proxy of one thread, so that turns are exact.
async fn proxy(plane: &mut ControlPlane, listen: u16, port: u16, backend: resource::Kind) -> Proxy {
    let proxy = Proxy::start(Options { threads: 1, ..options(Some(plane.address)) }).await.unwrap();
    plane.put(vec![("listener/n/g/http", listener(listen)), ("backend/web", backend), ("route/n/web", route(port))]);
    acknowledged(plane, 1).await;
    proxy
}

/// Waits until `/backends` says this of the health of both.
async fn health(proxy: &Proxy, expected: [&str; 2]) {
    let shown = async {
        loop {
            let shown: serde_json::Value = serde_json::from_str(&admin(proxy, "/backends").await.1).unwrap();
            let endpoints = shown["backends"][0]["endpoints"].as_array().unwrap();
            if endpoints.iter().map(|endpoint| endpoint["health"].as_str().unwrap()).eq(expected) {
                let failed = endpoints.iter().filter(|endpoint| endpoint["reasons"][0] == "failed active check");
                assert_eq!(failed.count(), expected.iter().filter(|health| **health == "unhealthy").count(), "{shown}");
                return;
            }
        }
    };
    // Only ends a test that would otherwise hang.
    tokio::time::timeout(std::time::Duration::from_secs(30), shown).await.unwrap();
}

/// Who answers twenty requests.
async fn answers(listen: u16) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for _ in 0..20 {
        let (status, name) = get(listen, "any.example", "/").await;
        assert!(status == 200 || name == "no healthy upstream", "{status} {name}");
        *answers.entry(name).or_default() += 1;
    }
    answers
}

fn all(name: &str) -> BTreeMap<String, usize> {
    [(name.to_owned(), 20)].into()
}

fn both() -> BTreeMap<String, usize> {
    [("one".to_owned(), 10), ("two".to_owned(), 10)].into()
}

#[tokio::test]
async fn requests_leave_who_does_not_serve_and_return() {
    let ((one, two), mut plane, listen) = (Grpc::pair().await, ControlPlane::start().await, free_port());
    let port = one.address.port();
    // A service that nobody has heard of is not served.
    let proxy = proxy(&mut plane, listen, port, checked(check(1_000_000), None)).await;
    assert_eq!(answers(listen).await, all("no healthy upstream"), "nobody is used before he has passed");
    one.report(ServingStatus::Serving).await;
    health(&proxy, ["healthy", "unhealthy"]).await;
    assert_eq!(answers(listen).await, all("one"));
    two.report(ServingStatus::Serving).await;
    health(&proxy, ["healthy", "healthy"]).await;
    assert_eq!(answers(listen).await, both());

    // An answer that is no SERVING is enough once, as in Envoy: to count to the threshold would take hours.
    one.report(ServingStatus::NotServing).await;
    health(&proxy, ["unhealthy", "healthy"]).await;
    assert_eq!(answers(listen).await, all("two"));
    one.report(ServingStatus::Serving).await;
    health(&proxy, ["healthy", "healthy"]).await;
    assert_eq!(answers(listen).await, both());
    two.state.reporter.clone().clear_service_status(SERVICE).await;
    health(&proxy, ["healthy", "unhealthy"]).await;
    assert_eq!(answers(listen).await, all("one"), "NOT_FOUND");
    two.report(ServingStatus::Serving).await;
    health(&proxy, ["healthy", "healthy"]).await;
    // SERVICE_UNKNOWN, and a status that is not known yet.
    for answering in [Answering::Unimplemented, Answering::Status(3), Answering::Status(99)] {
        one.answering(answering);
        health(&proxy, ["unhealthy", "healthy"]).await;
        assert_eq!(answers(listen).await, all("two"));
        one.answering(Answering::Service);
        health(&proxy, ["healthy", "healthy"]).await;
        assert_eq!(answers(listen).await, both());
    }
    for upstream in [&one, &two] {
        let asked = std::mem::take(&mut *upstream.state.asked.lock().unwrap());
        let expected = (upstream.address.to_string(), SERVICE.to_owned());
        assert!(asked.len() > 2 && asked.iter().all(|asked| *asked == expected), "{asked:?}");
    }
    proxy.shutdown().await;
}

#[tokio::test]
async fn requests_leave_who_cannot_be_reached_and_return() {
    let ((mut one, two), mut plane, listen) = (Grpc::pair().await, ControlPlane::start().await, free_port());
    for upstream in [&one, &two] {
        upstream.report(ServingStatus::Serving).await;
    }
    let proxy = proxy(&mut plane, listen, one.address.port(), checked(check(3), Some("cart.example"))).await;
    health(&proxy, ["healthy", "healthy"]).await;
    assert_eq!(answers(listen).await, both());
    one.stop().await;
    health(&proxy, ["unhealthy", "healthy"]).await;
    assert_eq!(answers(listen).await, all("two"));
    one.restart().await;
    health(&proxy, ["healthy", "healthy"]).await;
    assert_eq!(answers(listen).await, both());
    // The host that requests are sent is the one that is asked for.
    let asked = std::mem::take(&mut *one.state.asked.lock().unwrap());
    assert!(asked.iter().all(|(authority, _)| authority == "cart.example"), "{asked:?}");
    proxy.shutdown().await;
}

#[tokio::test]
async fn requests_leave_who_says_that_it_is_down() {
    let ((one, two), mut plane, listen) = (Grpc::pair().await, ControlPlane::start().await, free_port());
    for upstream in [&one, &two] {
        upstream.report(ServingStatus::Serving).await;
    }
    // The first pass of all is enough, and later ones would be in hours.
    let never = health_check::Thresholds { healthy: 1_000_000, unhealthy: 1_000_000 };
    let checks = HealthCheck { verdict: Some(health_check::Verdict::Thresholds(never)), ..check(0) };
    let proxy = proxy(&mut plane, listen, one.address.port(), checked(checks, None)).await;
    health(&proxy, ["healthy", "healthy"]).await;
    one.answering(Answering::Leaving);
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    // Whichever of the two was asked first.
    assert_eq!(get(listen, "any.example", "/").await.0, 200, "what is answered with the note is an answer");
    assert_eq!(answers(listen).await, all("two"), "at once, whatever checks say");
    one.answering(Answering::Service);
    let asked = one.state.asked.lock().unwrap().len();
    while one.state.asked.lock().unwrap().len() < asked + 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(answers(listen).await, all("two"), "it has to pass as often as any other that was down");
    proxy.shutdown().await;
}

//! What a create and a get cost over gRPC, beside the same over REST.
//!
//! Both are sent by the same client over one connection of HTTP/2, eight at once, so that the control plane is kept as busy by the one as
//! by the other. With one at a time, a client that takes longer to send the next makes each look dearer, whatever it asks for.

use std::net::SocketAddr;

use backstay_proto::admin::{self, CreateBackendRequest, GetBackendRequest};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use h2::client::SendRequest;
use http::{Method, Request};
use prost::Message;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::support::{backend, process::Process};
use super::{BACKENDS, Size, compare};

/// How many calls are on their way at once.
const AT_ONCE: usize = 8;

/// How large the windows of the client are, so that nothing waits for them.
const WINDOW: u32 = 1 << 24;

pub fn compare_with_rest(control: &Process, api: SocketAddr, size: &Size) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (rounds, count) = (size.rounds, size.calls);
    // A get is done in less time than the clock of a process tells apart: there are more of them.
    let gets = count * 20;
    let all = |count: usize, one: &dyn Fn(usize) -> Call| all(&runtime, api, count, one);
    compare(
        control,
        rounds,
        count,
        ["create by gRPC", "by REST"],
        |round| all(count, &|number| create_by_grpc(&format!("g{round}-{number}"))),
        |round| {
            all(count, &|number| {
                Call::rest(Method::POST, BACKENDS, backend(&format!("r{round}-{number}"), "127.0.0.1"))
            });
        },
    );
    compare(
        control,
        rounds,
        gets,
        ["get by gRPC", "by REST"],
        |_| all(gets, &|number| get_by_grpc(&format!("backends/r0-{}", number % count))),
        |_| all(gets, &|number| Call::rest(Method::GET, &format!("{BACKENDS}/r0-{}", number % count), String::new())),
    );
}

/// Sends as many, over a connection of their own: one that rests for as long as others take is closed.
fn all(runtime: &Runtime, api: SocketAddr, count: usize, one: &dyn Fn(usize) -> Call) {
    runtime.block_on(async {
        let stream = TcpStream::connect(api).await.expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (sender, connection) = builder.handshake(stream).await.expect("HTTP/2");
        let connection = tokio::spawn(connection);
        let calls = stream::iter(0..count).map(|number| one(number).answered(sender.clone()));
        calls.buffer_unordered(AT_ONCE).for_each(async |()| ()).await;
        drop(sender);
        connection.await.expect("no panic").expect("a sound end");
    });
}

/// What is sent.
struct Call {
    request: Request<()>,
    body: Bytes,
}

impl Call {
    fn rest(method: Method, path: &str, body: String) -> Self {
        Self::new(method, path, "application/json", body.into())
    }

    fn grpc(method: &str, message: &impl Message) -> Self {
        let mut body = vec![0; 5];
        message.encode(&mut body).expect("room");
        let length = u32::try_from(body.len() - 5).expect("a short message");
        body[1..5].copy_from_slice(&length.to_be_bytes());
        let path = format!("/backstay.admin.v1.BackendService/{method}");
        Self::new(Method::POST, &path, "application/grpc", body.into())
    }

    fn new(method: Method, path: &str, content_type: &str, body: Bytes) -> Self {
        let request = Request::builder().method(method).uri(format!("http://localhost{path}"));
        let request = request.header("content-type", content_type).header("te", "trailers").body(());
        Self { request: request.expect("a request"), body }
    }

    /// Waits for all of the answer, which must be good.
    async fn answered(self, sender: SendRequest<Bytes>) {
        let mut sender = sender.ready().await.expect("room for a request");
        let (response, mut stream) = sender.send_request(self.request, self.body.is_empty()).expect("a stream");
        if !self.body.is_empty() {
            stream.send_data(self.body, true).expect("a body sent");
        }
        let response = response.await.expect("an answer");
        assert!(response.status().is_success(), "{response:?}");
        let is_grpc = response.headers()["content-type"] == "application/grpc";
        let mut body = response.into_body();
        while let Some(data) = body.data().await {
            body.flow_control().release_capacity(data.expect("a body").len()).expect("a window");
        }
        let trailers = body.trailers().await.expect("an end");
        assert!(!is_grpc || trailers.is_some_and(|trailers| trailers["grpc-status"] == "0"));
    }
}

fn get_by_grpc(name: &str) -> Call {
    Call::grpc("GetBackend", &GetBackendRequest { name: name.to_owned(), read_mask: None })
}

fn create_by_grpc(name: &str) -> Call {
    let endpoint = admin::backend::Endpoint { ip: Some("127.0.0.1".to_owned()), fqdn: None };
    let spec = admin::backend::Spec { endpoints: vec![endpoint], ..Default::default() };
    let backend = admin::Backend { spec: Some(spec), ..Default::default() };
    let request = CreateBackendRequest { backend_id: name.to_owned(), backend: Some(backend), ..Default::default() };
    Call::grpc("CreateBackend", &request)
}

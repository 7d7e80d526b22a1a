//! gRPC-Web: what a page of the control plane's own address could speak, and no other.

use backstay_proto::admin::{GetBackendRequest, ListBackendsRequest, ListBackendsResponse};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message;

use super::client::{Backends, channel, create};
use crate::harness::ControlPlane;

fn frame(message: &impl Message) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.encoded_len()).unwrap());
    framed.put_slice(&message.encode_to_vec());
    framed.freeze()
}

async fn call(server: &str, method: &str, message: &impl Message, headers: &[(&str, &str)]) -> Response<Bytes> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::post(format!("{server}/backstay.admin.v1.BackendService/{method}"));
    for (name, value) in [("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::new(frame(message))).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn it_is_spoken_over_http_1() {
    let control_plane = ControlPlane::start();
    create(&mut Backends::new(channel(&control_plane).await), "web", "10.0.0.1").await;
    let response = call(&control_plane.server(), "ListBackends", &ListBackendsRequest::default(), &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.body();
    let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
    let listed = ListBackendsResponse::decode(&body[5..5 + length]).unwrap();
    assert_eq!(listed.backends[0].name, "backends/web");
    let trailers = String::from_utf8_lossy(&body[5 + length + 5..]).to_lowercase();
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn pages_of_others_are_kept_out() {
    let control_plane = ControlPlane::start();
    let request = GetBackendRequest { name: "backends/web".to_owned(), ..Default::default() };
    for headers in [&[("origin", "http://evil.example")][..], &[("sec-fetch-site", "cross-site")]] {
        let response = call(&control_plane.server(), "GetBackend", &request, headers).await;
        let said = response.headers().get("grpc-status").map(|value| value.to_str().unwrap());
        assert!(response.status() == StatusCode::FORBIDDEN || said == Some("7"), "{response:?}");
        assert!(response.headers().get("access-control-allow-origin").is_none());
    }
}

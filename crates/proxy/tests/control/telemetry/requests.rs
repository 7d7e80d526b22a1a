//! Requests, told to an access log service as Envoy tells them.

use std::net::SocketAddr;

use backstay_proto::access_log_service::access_log_service_server::{AccessLogService, AccessLogServiceServer};
use backstay_proto::access_log_service::stream_access_logs_message::LogEntries;
use backstay_proto::access_log_service::{StreamAccessLogsMessage, StreamAccessLogsResponse};
use backstay_proto::config::{
    AccessLog, AccessLogService as Service, Collector, LogFields, Redaction, Telemetry, access_log, resource,
};
use backstay_proxy::Proxy;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::plane::{ControlPlane, free_port};
use crate::traffic::{Upstream, get};
use crate::{acknowledged, admin, all, options, rejected};

struct Told(mpsc::UnboundedSender<StreamAccessLogsMessage>);

#[tonic::async_trait]
impl AccessLogService for Told {
    async fn stream_access_logs(
        &self,
        request: Request<Streaming<StreamAccessLogsMessage>>,
    ) -> Result<Response<StreamAccessLogsResponse>, Status> {
        assert_eq!(request.metadata().get("x-tenant").unwrap(), "one");
        let mut messages = request.into_inner();
        while let Some(message) = messages.message().await? {
            self.0.send(message).unwrap();
        }
        Ok(Response::new(StreamAccessLogsResponse {}))
    }
}

async fn serve(listener: TcpListener) -> mpsc::UnboundedReceiver<StreamAccessLogsMessage> {
    let (told, messages) = mpsc::unbounded_channel();
    let service = AccessLogServiceServer::new(Told(told)).accept_compressed(tonic::codec::CompressionEncoding::Gzip);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    messages
}

fn telemetry(at: Collector) -> resource::Kind {
    let fields = LogFields { request_headers: vec!["host".to_owned()], ..LogFields::default() };
    let service = Service { at: Some(at), log_name: "edge_log".to_owned() };
    resource::Kind::Telemetry(Telemetry {
        access_log: Some(AccessLog {
            layout: Some(access_log::Layout::Fields(fields)),
            redaction: Some(Redaction { query_parameters: vec!["token".to_owned()], ..Redaction::default() }),
            service: Some(service),
            ..AccessLog::default()
        }),
        ..Telemetry::default()
    })
}

fn at(address: SocketAddr) -> Collector {
    let header = backstay_proto::config::CollectorHeader { name: "x-tenant".to_owned(), value: "one".to_owned() };
    Collector { endpoint: format!("http://{address}"), headers: vec![header], ..Collector::default() }
}

async fn next(messages: &mut mpsc::UnboundedReceiver<StreamAccessLogsMessage>) -> StreamAccessLogsMessage {
    // Only ends a test that would otherwise hang.
    tokio::time::timeout(std::time::Duration::from_secs(60), messages.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_service_is_told_of_requests_once_it_is_there() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let service = SocketAddr::from(([127, 0, 0, 1], free_port()));
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    plane.put(vec![("telemetry/edge", telemetry(at(service)))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/some?token=secret&a=b").await.0, 200);
    let failed = async {
        let counted = "backstay_telemetry_failures_total{signal=\"requests\"} ";
        while admin(&proxy, "/metrics").await.1.contains(&format!("{counted}0\n")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), failed).await.unwrap();

    let mut messages = serve(TcpListener::bind(service).await.unwrap()).await;
    let message = next(&mut messages).await;
    let identifier = message.identifier.unwrap();
    let node = identifier.node.unwrap();
    assert_eq!((&*identifier.log_name, &*node.cluster, &*node.user_agent_name), ("edge_log", "edge", "backstay-proxy"));
    let Some(LogEntries::HttpLogs(entries)) = message.log_entries else { panic!() };
    let [entry] = &entries.log_entry[..] else { panic!("{entries:?}") };
    let (common, request) = (entry.common_properties.as_ref().unwrap(), entry.request.as_ref().unwrap());
    let response = entry.response.as_ref().unwrap();
    assert_eq!((response.response_code, &*response.response_code_details), (Some(200), "via_upstream"));
    assert_eq!((request.request_method, &*request.path), (1, "/some?token=(redacted)&a=b"));
    assert_eq!((&*request.authority, &*request.request_headers["host"]), ("any.example", "any.example"));
    assert_eq!((&*common.upstream_cluster, &*common.route_name), ("backend/web", "route/n/web"));
    assert_eq!(common.upstream_request_attempt_count, 1);
    let address = |address: &Option<backstay_proto::access_log_service::Address>| {
        address.as_ref().and_then(|address| address.socket_address.clone()).unwrap()
    };
    assert_eq!(address(&common.upstream_remote_address).port_value, u32::from(upstream.port()));
    let local = address(&common.upstream_local_address);
    assert!(local.address == "127.0.0.1" && local.port_value > 0, "{local:?}");
    assert!(common.start_time.is_some() && common.duration.is_some() && common.response_flags.is_none());

    assert_eq!(get(listen, "any.example", "/again").await.0, 200);
    assert_eq!(next(&mut messages).await.identifier, None, "it is the same stream");
    let sent = admin(&proxy, "/metrics").await.1;
    assert!(sent.contains("backstay_telemetry_requests_dropped_total{cause=\"queue\"} 0"), "{sent}");
    assert_eq!(get(listen, "any.example", "/last").await.0, 200);
    proxy.shutdown().await;
    next(&mut messages).await;
    assert!(messages.try_recv().is_err(), "what was left was told, once");
}

#[tokio::test]
async fn a_service_speaks_grpc() {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", 1));
    let over_http = Collector { protocol: "http/protobuf".to_owned(), ..at(([127, 0, 0, 1], 1).into()) };
    plane.put(vec![("telemetry/edge", telemetry(over_http))]);
    let refused = rejected(&mut plane).await;
    assert_eq!((&*refused[0].name, &*refused[0].field), ("telemetry/edge", "access_log.service.at.protocol"));
    proxy.shutdown().await;
}

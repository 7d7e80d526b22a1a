//! What a fleet says that its proxies tell: logs, traces and metrics, changed while they run.

use std::fs;
use std::net::SocketAddr;

use backstay_proto::config::{AccessLog as Log, Collector, LogFields, Telemetry, Tracing, access_log, resource};
use backstay_proto::otlp::trace::v1::span::SpanKind;
use backstay_proxy::{AccessLog, Options, Proxy};

mod metrics;
mod requests;

use super::collector::Collector as Told;
use super::plane::{ControlPlane, free_port};
use super::traffic::{Upstream, get};
use super::{acknowledged, admin, all, options, rejected};

fn telemetry(layout: Option<access_log::Layout>, collector: Option<SocketAddr>) -> resource::Kind {
    let endpoint = collector.map(|address| format!("http://{address}"));
    resource::Kind::Telemetry(Telemetry {
        access_log: layout.map(|layout| Log { stdout: true, layout: Some(layout), ..Log::default() }),
        tracing: collector.map(|_| Tracing { numerator: 1, denominator: 1, propagation: vec![] }),
        collector: endpoint.map(|endpoint| Collector { endpoint, ..Collector::default() }),
        metrics: None,
    })
}

fn text(format: &str) -> Option<access_log::Layout> {
    Some(access_log::Layout::Text(format.to_owned()))
}

#[tokio::test]
async fn a_fleet_says_what_lines_are_made_of_while_its_proxies_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("access.log");
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let options = Options { access_log: AccessLog::File(path.clone()), ..options(Some(plane.address)) };
    let proxy = Proxy::start(options).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    plane.put(vec![("telemetry/edge", telemetry(text("%REQ(:PATH)% %RESPONSE_CODE% %UPSTREAM_CLUSTER%"), None))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/one").await.0, 200);
    let fields = LogFields { names: vec!["path".to_owned()], ..LogFields::default() };
    plane.put(vec![("telemetry/edge", telemetry(Some(access_log::Layout::Fields(fields)), None))]);
    acknowledged(&mut plane, 3).await;
    assert_eq!(get(listen, "any.example", "/two").await.0, 200);

    plane.put(vec![("telemetry/edge", telemetry(text("%NOTHING%"), None))]);
    let refused = rejected(&mut plane).await;
    assert_eq!((&*refused[0].name, &*refused[0].field), ("telemetry/edge", "access_log.text"));
    assert!(refused[0].message.contains("there is no operator \"NOTHING\""), "{}", refused[0].message);
    assert_eq!(get(listen, "any.example", "/three").await.0, 200);
    plane.remove("telemetry/edge");
    acknowledged(&mut plane, 5).await;
    assert_eq!(get(listen, "any.example", "/four").await.0, 200);
    proxy.shutdown().await;
    let log = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let (first, usual) = (["/one 200 backend/web", "{\"path\":\"/two\"}", "{\"path\":\"/three\"}"], lines[3]);
    assert_eq!(lines[..3], first, "the last good version stays in force");
    assert!(usual.contains("\"path\":\"/four\"") && usual.contains("\"status\":200"), "{usual}");
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn a_fleet_says_which_requests_are_traced_and_who_is_told() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let mut told = Told::start().await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    plane.put(vec![("telemetry/edge", telemetry(None, Some(told.address)))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/some?secret=1").await.0, 200);
    let (client, server) = (told.span().await, told.span().await);
    assert_eq!((client.kind(), server.kind()), (SpanKind::Client, SpanKind::Server));
    assert_eq!(
        (client.trace_id.clone(), client.parent_span_id.clone()),
        (server.trace_id.clone(), server.span_id.clone())
    );
    let keys: Vec<&str> = server.attributes.iter().map(|attribute| &*attribute.key).collect();
    for key in ["http.request.method", "http.response.status_code", "url.path", "backstay.route", "backstay.backend"] {
        assert!(keys.contains(&key), "{key} is not among {keys:?}");
    }
    assert!(!format!("{server:?}").contains("secret"), "{server:?}");
    let counted = async {
        while !admin(&proxy, "/metrics").await.1.contains("backstay_telemetry_spans_sent_total 2") {
            tokio::task::yield_now().await;
        }
    };
    // Only ends a test that would otherwise hang.
    tokio::time::timeout(std::time::Duration::from_secs(60), counted).await.unwrap();

    plane.put(vec![("telemetry/edge", telemetry(None, None))]);
    acknowledged(&mut plane, 3).await;
    assert_eq!(get(listen, "any.example", "/untold").await.0, 200);
    proxy.shutdown().await;
    assert!(told.spans.try_recv().is_err(), "nothing is told any more");
}

//! The servers themselves: what they count, where they listen, and whom they wait for.

use std::time::Duration;

use backstay_control_plane::{ApiLimits, ControlPlane, Options, StartError};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Api, BACKENDS, Holder, apply_route, connect, programmed, start, start_with};

#[tokio::test]
async fn metrics_count_what_streams_do() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let mut proxy = connect(&control, Holder::default());
    proxy.told.recv().await.unwrap();
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
    let (status, text) = api.call("GET", "/metrics", &Value::Null).await;
    assert_eq!(status, 200);
    let text = text.as_str().unwrap();
    let created = r#"backstay_api_requests_total{method="POST",resource="backends.core.apoxy.dev",code="201"} 1"#;
    for line in [
        created,
        "backstay_store_writable 1",
        "backstay_xds_streams 1",
        "backstay_xds_resources_sent_total 3",
        "backstay_xds_rejected_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn addresses_that_others_can_reach_need_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let local = "127.0.0.1:0".parse().unwrap();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let open = address.parse().unwrap();
        for (option, api, xds) in [("--api", open, local), ("--xds", local, open)] {
            let options = Options { api, xds, data_dir: folder.path().to_owned(), ..Options::default() };
            let refused = ControlPlane::start(options).await.unwrap_err();
            assert!(matches!(refused, StartError::Exposed { .. }), "{refused}");
            assert!(refused.to_string().starts_with(option) && refused.to_string().contains("--insecure"), "{refused}");
        }
    }
}

#[tokio::test]
async fn connections_that_say_nothing_keep_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ApiLimits { header_timeout: Duration::from_millis(50), ..ApiLimits::default() };
    let control = start_with(folder.path(), limits).await;
    for address in [control.api_address(), control.xds_address()] {
        for begun in [&b""[..], b"PRI * HT"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun).await.unwrap();
            // Ends only when the server closes; how matters to nobody.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
    assert_eq!(Api::new(&control).call("GET", BACKENDS, &Value::Null).await.0, 200);
    control.shutdown().await;
}

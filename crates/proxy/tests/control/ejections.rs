//! What an operator is told of endpoints that are left out.

use backstay_proto::config::{Backend, OutlierDetection, resource};
use backstay_proxy::Proxy;

use super::plane::{ControlPlane, free_port};
use super::traffic::get;
use super::{acknowledged, admin, all, options};

#[tokio::test]
async fn an_ejection_is_explained() {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let resources = all(listen, "127.0.0.1", free_port());
    let resource::Kind::Backend(plain) = resources[1].1.clone() else { unreachable!() };
    plane.put(resources);
    acknowledged(&mut plane, 1).await;
    let endpoint = async || {
        let shown: serde_json::Value = serde_json::from_str(&admin(&proxy, "/backends").await.1).unwrap();
        shown["backends"][0]["endpoints"][0].clone()
    };
    let shown = endpoint().await;
    assert!(shown["activeRequests"].is_null() && shown["requests"].is_null(), "nobody counts them: {shown}");

    let outlier = OutlierDetection {
        consecutive_5xx: Some(1),
        max_ejection_percent: Some(100),
        base_ejection_time: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        max_ejection_time: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        ..Default::default()
    };
    plane.put(vec![("backend/web", resource::Kind::Backend(Backend { outlier_detection: Some(outlier), ..plain }))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 503, "nobody listens there");
    let shown = endpoint().await;
    let ejection = &shown["ejection"];
    assert_eq!((&ejection["detector"], &ejection["ejections"]), (&"consecutive5xx".into(), &1.into()), "{shown}");
    assert!(ejection["secondsLeft"].as_f64().is_some_and(|left| left > 0.0 && left <= 3600.0), "{shown}");
    assert_eq!(shown["activeRequests"], 0, "{shown}");
    proxy.shutdown().await;
}

//! Activations while requests go on.

use std::net::SocketAddr;

use crate::harness::{ControlPlane, Fastly, Load, Proxy, Upstream, manifest, port};

const ACTIVATIONS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_versions_are_activated() {
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let listen = port::free();
    rest.create(&manifest::gateway("web", listen)).await;
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("loaded").await;
    let (one, two) = (Upstream::answering("one").await, Upstream::answering("two").await);
    fastly.make(&format!("{version}/domain"), &[("name", "loaded.example")]).await;
    let address = [("name", "origin"), ("address", "127.0.0.1"), ("port", &one.port().to_string())];
    fastly.make(&format!("{version}/backend"), &address).await;
    fastly.put(&format!("{version}/clone"), &[]).await;
    let path = format!("/service/{id}/version/2/backend/origin");
    fastly.put(&path, &[("port", &two.port().to_string())]).await;
    fastly.put(&format!("{version}/activate"), &[]).await;
    let object = format!("/apis/backstay.dev/v1alpha1/fastlyservices/{id}");
    rest.wait_for(&object, "Programmed").await;

    let mut load = Load::start(4, SocketAddr::from(([127, 0, 0, 1], listen)), "loaded.example", "/");
    load.more(20).await;
    for number in 0..ACTIVATIONS {
        let path = format!("/service/{id}/version/{}/activate", 2 - number % 2);
        let activated = fastly.put(&path, &[]).await.body;
        assert_eq!(activated["active"], true, "{activated}");
        load.more(1).await;
    }
    rest.wait_for(&object, "Programmed").await;
    load.more(20).await;
    let tally = load.stop().await;
    tally.assert_all_ok();
    assert!(tally.with_body("one") > 0 && tally.with_body("two") > 0, "{tally:?}");
}

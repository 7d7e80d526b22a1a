//! Fleets and proxies as lists and watches, and the health of the server.

use backstay_proto::admin::fleet_service_client::FleetServiceClient;
use backstay_proto::admin::{
    EventType, GetFleetRequest, ListConnectedProxiesRequest, ListFleetsRequest, WatchConnectedProxiesRequest,
    WatchConnectedProxiesResponse,
};
use tonic::{Code, Streaming};

use super::client::{channel, patient_channel};
use crate::harness::{ControlPlane, PATIENCE, Proxy};

async fn next(watch: &mut Streaming<WatchConnectedProxiesResponse>) -> WatchConnectedProxiesResponse {
    tokio::time::timeout(PATIENCE, watch.message()).await.expect("an event").unwrap().expect("the watch goes on")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_comes_and_goes_is_told_of() {
    let control_plane = ControlPlane::start();
    let mut fleets = FleetServiceClient::new(patient_channel(&control_plane).await);
    let parent = "fleets/default".to_owned();
    let request = WatchConnectedProxiesRequest { parent: parent.clone() };
    let mut watch = fleets.watch_connected_proxies(request).await.unwrap().into_inner();
    assert_eq!(next(&mut watch).await.r#type(), EventType::Synchronized);
    let proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "p1"]);
    let event = next(&mut watch).await;
    let name = event.proxy.clone().unwrap().name;
    assert_eq!((event.r#type(), name.as_str()), (EventType::Added, "fleets/default/proxies/p1"));
    let request = ListConnectedProxiesRequest { parent, ..Default::default() };
    let listed = fleets.list_connected_proxies(request).await.unwrap().into_inner();
    assert_eq!(listed.proxies.len(), 1);
    drop(proxy);
    let mut event = next(&mut watch).await;
    while event.r#type() == EventType::Modified {
        event = next(&mut watch).await;
    }
    assert_eq!((event.r#type(), event.proxy.unwrap().name), (EventType::Deleted, name));
}

#[tokio::test]
async fn fleets_are_listed_and_found() {
    let control_plane = ControlPlane::start();
    let mut fleets = FleetServiceClient::new(channel(&control_plane).await);
    let listed = fleets.list_fleets(ListFleetsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.fleets[0].name, "fleets/default");
    let found = fleets.get_fleet(GetFleetRequest { name: "fleets/default".to_owned() }).await.unwrap().into_inner();
    assert_eq!(found.connected_proxies, 0);
    for (name, code) in [("fleets/none", Code::NotFound), ("default", Code::InvalidArgument)] {
        let refused = fleets.get_fleet(GetFleetRequest { name: name.to_owned() }).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
    }
}

//! A control plane whose store is on etcd, and another that stands by.

use serde_json::{Value, json};

use crate::harness::etcd::{Cluster, blocking, program};
use crate::harness::rest::BACKENDS;
use crate::harness::{ControlPlane, Proxy, Rest, manifest, port};

fn store(cluster: &Cluster) -> String {
    format!("etcd://{}/test", cluster.endpoints().join(","))
}

fn is_programmed(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|condition| condition["type"] == "Programmed" && condition["status"] == "True")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_control_plane_takes_over_what_a_killed_one_had() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(3));
    let mut first = ControlPlane::begin_on(&store(&cluster));
    first.wait_for_line("API on");
    let second = ControlPlane::begin_on(&store(&cluster));
    second.wait_for_line("standing by");
    let rest = Rest::new(first.address("api"));
    let _proxy = Proxy::start(first.address("xds"));
    manifest::serve(&rest, port::free(), "app.example", &["127.0.0.1"], 1).await;
    let path = format!("{BACKENDS}/app");
    rest.wait_until(&path, "programmed", is_programmed).await;
    let (_, before) = rest.get(&path).await;

    first.kill();
    second.wait_for_line("this process holds the store");
    second.wait_for_line("API on");
    let rest = Rest::new(second.address("api"));
    let (_, after) = rest.get(&path).await;
    assert_eq!((&after["metadata"], &after["spec"]), (&before["metadata"], &before["spec"]));
    rest.change(&path, &json!({"spec": {"endpoints": [{"ip": "127.0.0.2"}]}})).await;
    let _proxy = Proxy::start(second.address("xds"));
    rest.wait_until(&path, "programmed again", |object| {
        is_programmed(object) && object["metadata"]["generation"] != before["metadata"]["generation"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_in_order_leaves_the_store_at_once_and_one_that_lost_it_ends() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let mut first = ControlPlane::begin_on(&store(&cluster));
    first.wait_for_line("API on");
    let mut second = ControlPlane::begin_on(&store(&cluster));
    second.wait_for_line("standing by");
    let mut third = ControlPlane::begin_on(&store(&cluster));
    third.wait_for_line("standing by");
    third.signal("TERM");
    assert!(third.wait().success(), "one that stands by ends when it is told to");
    first.signal("TERM");
    assert!(first.wait().success());
    second.wait_for_line("API on");
    cluster.revoke_leases(0);
    assert!(!second.wait().success());
    assert!(second.printed().contains("the store is not this control plane's any more"), "{}", second.printed());
}

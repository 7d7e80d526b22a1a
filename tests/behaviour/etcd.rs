//! A control plane whose store is on etcd, and another that stands by.

use serde_json::{Value, json};

use crate::harness::etcd::{Cluster, blocking, program};
use crate::harness::rest::BACKENDS;
use crate::harness::{Client, ControlPlane, Proxy, Rest, backstay, manifest, port};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_to_etcd_and_back_and_proxies_are_sent_nothing() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let files = tempfile::tempdir().unwrap();
    let backup = files.path().join("backup.yaml");
    let backup = backup.to_str().unwrap();
    let export = |server: &str| {
        let exported = backstay(["export", "--server", server]);
        assert_eq!(exported.status.code(), Some(0), "{exported:?}");
        std::fs::write(backup, &exported.stdout).unwrap();
    };
    let path = format!("{BACKENDS}/app");
    let sent = async |api| {
        let text = Client::new().get(api, &api.to_string(), "/metrics").await.unwrap().text();
        assert!(text.contains("\nbackstay_xds_resources_sent_total 0\n"), "{text}");
    };

    let mut file = ControlPlane::start();
    // The proxy finds each of them at one address, as behind a load balancer.
    let xds = file.xds().to_string();
    let _proxy = Proxy::start(file.xds());
    manifest::serve(&file.rest(), port::free(), "app.example", &["127.0.0.1"], 1).await;
    file.rest().wait_until(&path, "programmed", is_programmed).await;
    let before = file.rest().read(&path).await;
    export(&file.server());
    file.process.signal("TERM");
    file.process.wait();
    let store = store(&cluster);
    let imported = backstay(["import", "-f", backup, "--store", &store]);
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    let again = backstay(["import", "-f", backup, "--store", &store]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(1) && said.contains("--replace gives them up"), "{said}");
    let replaced = backstay(["import", "-f", backup, "--store", &store, "--replace"]);
    assert_eq!(replaced.status.code(), Some(0), "{replaced:?}");

    let mut on_etcd = ControlPlane::begin_on_at(&store, &xds);
    on_etcd.wait_for_line("API on");
    let api = on_etcd.address("api");
    let rest = Rest::new(api);
    rest.wait_for_ready("default").await;
    let there = rest.read(&path).await;
    assert_eq!((&there["metadata"]["uid"], &there["spec"]), (&before["metadata"]["uid"], &before["spec"]));
    sent(api).await;
    // Revisions of etcd go on rising; in a file they begin anew.
    for number in 0..20 {
        rest.change(&path, &json!({"metadata": {"annotations": {"number": number.to_string()}}})).await;
    }
    let (_, listed) = rest.get(BACKENDS).await;
    let revision = listed["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let held = backstay(["import", "-f", backup, "--store", &store, "--replace"]);
    let said = String::from_utf8_lossy(&held.stderr).into_owned();
    assert!(held.status.code() == Some(1) && said.contains("a control plane has the store on etcd"), "{said}");
    export(&format!("http://{api}"));
    on_etcd.signal("TERM");
    on_etcd.wait();

    let folder = files.path().join("back");
    let imported = backstay(["import", "-f", backup, "--data-dir", folder.to_str().unwrap()]);
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    let back = ControlPlane::start_in_with(&folder, &["--xds", &xds]);
    back.rest().wait_for_ready("default").await;
    sent(back.api()).await;
    let (status, gone) = back.rest().get(&format!("{BACKENDS}?watch=1&resourceVersion={revision}")).await;
    assert!(status == 410 || gone["object"]["code"] == 410, "{status} {gone}");
}

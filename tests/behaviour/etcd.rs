//! Control planes that share a store on etcd: all serve and take writes, and what is to be done once one of them does.

mod health;
mod sealed;

use serde_json::{Value, json};

use crate::harness::etcd::{Cluster, blocking, program};
use crate::harness::process::Process;
use crate::harness::rest::{BACKENDS, PROXIES, ROUTES, endpoints};
use crate::harness::{Client, ControlPlane, Proxy, Rest, backstay, manifest, port};

fn store(cluster: &Cluster) -> String {
    format!("etcd://{}/test", cluster.endpoints().join(","))
}

fn start(cluster: &Cluster) -> (Process, Rest) {
    let process = ControlPlane::begin_on(&store(cluster));
    process.wait_for_line("API on");
    let rest = Rest::new(process.address("api"));
    (process, rest)
}

fn is_programmed(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|condition| {
        condition["type"] == "Programmed"
            && condition["status"] == "True"
            && condition["observedGeneration"] == object["metadata"]["generation"]
    })
}

/// Has another fleet serve what is served already, on a port of its own.
async fn serve_in(rest: &Rest, fleet: &str) {
    rest.create(&json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": fleet}})).await;
    let mut gateway = manifest::gateway(fleet, port::free());
    gateway["spec"]["infrastructure"] =
        json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": fleet}});
    rest.create(&gateway).await;
    rest.create(&manifest::route(fleet, fleet, "app.example", "app", 1)).await;
}

/// Waits until a control plane leads, or has.
fn leads(process: &Process) {
    const LEADS: &str = "this control plane leads";
    if !process.printed().contains(LEADS) {
        process.wait_for_line(LEADS);
    }
}

/// What `status` tells by a control plane.
fn status(process: &Process) -> Value {
    let server = format!("http://{}", process.address("api"));
    let output = backstay(["status", "-o", "json", "--server", &server]);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_control_plane_serves_what_any_of_them_was_told_and_programmed_speaks_of_the_proxies_of_all() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let (first, one) = start(&cluster);
    let (second, other) = start(&cluster);
    let _here = Proxy::start_with(first.address("xds"), &["--node-id", "here"]);
    manifest::serve(&one, port::free(), "app.example", &["127.0.0.1"], 1).await;
    // On one machine two proxies cannot have the same listener.
    serve_in(&one, "edge").await;
    let mut there = Proxy::start_with(second.address("xds"), &["--node-id", "there", "--fleet", "edge"]);
    let path = format!("{BACKENDS}/app");
    // What one has acknowledged the other reads at once.
    assert_eq!(other.read(&path).await["metadata"]["uid"], one.read(&path).await["metadata"]["uid"]);
    other.wait_until(&path, "programmed", is_programmed).await;
    for (fleet, name) in [("default", "here"), ("edge", "there")] {
        let of_fleet = |object: &Value| object["status"]["replicas"][0]["name"] == name;
        for rest in [&one, &other] {
            rest.wait_until(&format!("{PROXIES}/{fleet}"), "told of", of_fleet).await;
        }
    }

    // One proxy does not answer: whichever is asked says so.
    there.process.signal("STOP");
    other.change(&path, &json!({"spec": {"endpoints": [{"ip": "127.0.0.2"}]}})).await;
    let waits = |object: &Value| {
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|condition| condition["type"] == "Programmed").cloned().unwrap_or_default();
        found["status"] == "False" && found["observedGeneration"] == object["metadata"]["generation"]
    };
    one.wait_until(&path, "waiting", waits).await;
    there.process.signal("CONT");
    one.wait_until(&path, "programmed", is_programmed).await;
    there.process.kill();
    one.wait_until(&format!("{PROXIES}/edge"), "without a proxy", |object| object["status"]["replicas"].is_null())
        .await;

    let (one, other) = (status(&first), status(&second));
    assert_eq!(one["fleets"][0]["digest"], other["fleets"][0]["digest"]);
    let leads = |status: &Value| {
        status["controlPlanes"].as_array().unwrap().iter().filter(|plane| plane["leads"] == true).count()
    };
    assert_eq!((leads(&one), leads(&other)), (1, 1));
    assert_eq!(one["controlPlanes"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_one_that_leads_is_killed_another_goes_on_and_nothing_is_taken_back() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(3));
    let (mut first, rest) = start(&cluster);
    leads(&first);
    let (second, other) = start(&cluster);
    let both = format!("http://{},http://{}", first.address("xds"), second.address("xds"));
    let proxy = Proxy::start_with(first.address("xds"), &["--control-plane", &both, "--node-id", "moves"]);
    proxy.process.wait_for_line("connected to the control plane");
    manifest::serve(&rest, port::free(), "app.example", &["127.0.0.1"], 1).await;
    let path = format!("{BACKENDS}/app");
    let before = other.wait_until(&path, "programmed", is_programmed).await;
    let sent = |metrics: String| {
        let line = metrics.lines().find(|line| line.starts_with("backstay_xds_resources_sent_total "));
        line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
    };

    first.kill();
    second.wait_for_line("this control plane leads");
    proxy.process.wait_for_line("connected to the control plane");
    other.change(&path, &json!({"metadata": {"labels": {"touched": "yes"}}})).await;
    let after = other.read(&path).await;
    assert_eq!((&after["metadata"]["uid"], &after["spec"]), (&before["metadata"]["uid"], &before["spec"]));
    assert_eq!(after["status"], before["status"], "nothing of it has changed");
    other.wait_for_ready("default").await;
    // The proxy holds what it is to hold: it is sent nothing.
    let metrics = metrics_of(&second).await;
    assert_eq!(sent(metrics).as_deref(), Some("0"));
    other.change(&path, &json!({"spec": {"endpoints": [{"ip": "127.0.0.2"}]}})).await;
    other.wait_until(&path, "programmed again", is_programmed).await;
}

/// The metrics of a control plane.
async fn metrics_of(process: &Process) -> String {
    Client::new().get(process.address("api"), "localhost", "/metrics").await.unwrap().text()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_in_order_has_another_lead_at_once() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let (mut first, _) = start(&cluster);
    leads(&first);
    let (mut second, rest) = start(&cluster);
    first.signal("TERM");
    assert!(first.wait().success());
    second.wait_for_line("this control plane leads");
    // Its lease ends as one does whose process hangs: it serves, and leads anew.
    cluster.revoke_leases(0);
    second.wait_for_line("does not lead any more");
    second.wait_for_line("this control plane leads");
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    second.signal("TERM");
    assert!(second.wait().success());
}

/// Objects of many kinds that refer to each other, in an order that depends on `seed`.
fn objects(seed: u64) -> Vec<Value> {
    let mut objects = Vec::new();
    for index in 0..200 {
        let (app, route) = (format!("app-{index}"), format!("route-{index}"));
        objects.push(manifest::backend(&app, &[&format!("10.0.{}.{}", index / 100, index % 100)]));
        objects.push(json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": app},
            "spec": {"targetRefs": [{"name": app}], "timeouts": {"connect": format!("{}s", 1 + index % 9)}}}));
        objects.push(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": route, "namespace": "default"},
            "spec": {"parentRefs": [{"name": format!("web-{}", index % 20)}], "hostnames": [format!("h{}.example", index % 50)],
                "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": format!("/{index}")}}],
                    "backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": app, "port": 80}]}]}}));
    }
    for index in 0..20 {
        objects.push(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": format!("web-{index}"), "namespace": "default"},
            "spec": {"gatewayClassName": "backstay",
                "listeners": [{"name": "http", "protocol": "HTTP", "port": 20_000 + index}]}}));
    }
    // A generator that is written out is the same in every run.
    let mut state = seed | 1;
    for at in (1..objects.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (at + 1);
        objects.swap(at, other);
    }
    objects
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_seen_it_happen_and_whoever_reads_it_later_compile_to_equal_bytes() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let (first, rest) = start(&cluster);
    let objects = objects(77);
    for some in objects.chunks(20) {
        futures::future::join_all(some.iter().map(|object| rest.create(object))).await;
    }
    // Some change, some go, and some of these come back.
    for index in 0..60 {
        let path = format!("{BACKENDS}/app-{index}");
        rest.change(&path, &endpoints(&[&format!("10.9.0.{index}")])).await;
        if index % 3 == 0 {
            let (status, gone) = rest.delete(&format!("{ROUTES}/route-{index}")).await;
            assert_eq!(status, 200, "{gone:#}");
        }
        if index % 6 == 0 {
            let again = objects.iter().find(|object| object["metadata"]["name"] == format!("route-{index}"));
            rest.create(again.unwrap()).await;
        }
    }
    let last = rest.read(BACKENDS).await["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let (second, _) = start(&cluster);
    let digests = [&first, &second].map(|process| {
        let server = format!("http://{}", process.address("api"));
        let waited = backstay(["status", "--wait", "--revision", &last, "--server", &server, "-o", "json"]);
        assert!(waited.status.success(), "{waited:?}");
        let status: Value = serde_json::from_slice(&waited.stdout).unwrap();
        assert!(status["fleets"][0]["resources"].as_u64().unwrap() > 350, "{status}");
        status["fleets"][0]["digest"].as_str().unwrap().to_owned()
    });
    assert_eq!(digests[0], digests[1]);
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

    let mut on_etcd = ControlPlane::begin_on_at(&store, "127.0.0.1:0", &xds, &[]);
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

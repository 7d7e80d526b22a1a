//! Conditions that the control plane tells are its own: whatever another client does to them, they are put right, and what
//! that client has written of its own stays.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::rest::{BACKENDS, CLASSES, GATEWAYS, POLICIES, PROXIES, ROUTES, is_true};
use crate::harness::{ControlPlane, Proxy, Rest, manifest, port};

fn theirs() -> Value {
    json!({"type": "example.com/Audited", "status": "True", "reason": "Fine", "message": "by hand",
        "lastTransitionTime": "2020-01-02T03:04:05Z"})
}

/// Without the times, which change with each change of a condition.
fn timeless(mut status: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("lastTransitionTime");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => (),
        }
    }
    strip(&mut status);
    status
}

/// The same, and without what is not ours; in the order of types.
fn ours(status: &Value) -> Value {
    fn sort(value: &mut Value) {
        match value {
            Value::Object(fields) => fields.values_mut().for_each(sort),
            Value::Array(items) => {
                items.retain(|item| item["type"] != "example.com/Audited" && item["controllerName"] != "example.com/c");
                items.iter_mut().for_each(sort);
                items.sort_by_key(|item| item["type"].as_str().unwrap_or_default().to_owned());
            }
            _ => (),
        }
    }
    let mut status = timeless(status.clone());
    sort(&mut status);
    status
}

/// Objects of every kind that has a status, served by a proxy.
async fn stage(rest: &Rest) -> Vec<(String, &'static str)> {
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    let policy = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"},
        "spec": {"targetRefs": [{"name": "app"}], "timeouts": {"connect": "1s"}}});
    rest.create(&policy).await;
    rest.create(&manifest::gateway("web", port::free())).await;
    rest.create(&manifest::route("app", "web", "a.test", "app", 80)).await;
    let objects = [
        (format!("{GATEWAYS}/web"), "/status/conditions"),
        (format!("{GATEWAYS}/web"), "/status/listeners/0/conditions"),
        (format!("{ROUTES}/app"), "/status/parents/0/conditions"),
        (format!("{CLASSES}/backstay"), "/status/conditions"),
        (format!("{BACKENDS}/app"), "/status/conditions"),
        (format!("{POLICIES}/app"), "/status/conditions"),
        (format!("{PROXIES}/default"), "/status/conditions"),
    ];
    for (path, _) in &objects[4..6] {
        rest.wait_for(path, "Programmed").await;
    }
    rest.wait_for(&objects[0].0, "Programmed").await;
    rest.wait_for(&objects[2].0, "Accepted").await;
    rest.wait_for_ready("default").await;
    objects.to_vec()
}

/// Replaces the status of an object by what `change` makes of it, on top of whatever it is at that moment.
async fn vandalise(rest: &Rest, path: &str, change: impl Fn(&mut Value)) -> Value {
    loop {
        let mut object = rest.read(path).await;
        change(&mut object);
        let (status, answer) = rest.put(&format!("{path}/status"), &object).await;
        if status == StatusCode::OK {
            return answer;
        }
        assert_eq!(status, StatusCode::CONFLICT, "{answer:#}");
    }
}

type Harm = fn(&mut Value);

/// What can be done to a list of conditions, by name. One type twice is refused.
const HARM: [(&str, Harm); 7] = [
    ("all are gone", |list| *list = json!([])),
    ("one is gone", |list| drop(list.as_array_mut().unwrap().remove(0))),
    ("theirs alone is left", |list| *list = json!([theirs()])),
    ("the status lies", |list| {
        for condition in list.as_array_mut().unwrap() {
            condition["status"] = json!(if condition["status"] == "True" { "False" } else { "True" });
        }
    }),
    ("the reason is another", |list| list[0]["reason"] = json!("Other")),
    ("the message is another", |list| list[0]["message"] = json!("all is well")),
    ("the generation is another", |list| list[0]["observedGeneration"] = json!(77)),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_our_conditions_they_are_put_right_and_others_stay() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    for (path, pointer) in stage(&rest).await {
        let before = ours(&rest.read(&path).await["status"]);
        vandalise(&rest, &path, |object| {
            object.pointer_mut(pointer).unwrap().as_array_mut().unwrap().insert(0, theirs());
        })
        .await;
        for (name, harm) in HARM {
            let harmed = vandalise(&rest, &path, |object| harm(object.pointer_mut(pointer).unwrap())).await;
            let left = harmed.to_string().contains("example.com/Audited");
            let what = format!("{pointer} right again after: {name}");
            let after = rest.wait_until(&path, &what, |object| ours(&object["status"]) == before).await;
            // Theirs is where it was, and is not written anew where it was taken out.
            assert_eq!(after.to_string().contains("example.com/Audited"), left, "{path}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_the_conditions_is_put_right_too() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    stage(&rest).await;
    let cases: [(String, Harm); 6] = [
        (format!("{GATEWAYS}/web"), |status| status["listeners"] = json!([])),
        (format!("{GATEWAYS}/web"), |status| status["listeners"][0]["attachedRoutes"] = json!(7)),
        (format!("{GATEWAYS}/web"), |status| status["addresses"] = json!([{"value": "192.0.2.1"}])),
        (format!("{CLASSES}/backstay"), |status| status["supportedFeatures"] = json!([{"name": "Mesh"}])),
        (format!("{PROXIES}/default"), |status| status["replicas"] = json!([])),
        (format!("{BACKENDS}/app"), |status| *status = json!({})),
    ];
    for (path, harm) in cases {
        let before = ours(&rest.read(&path).await["status"]);
        vandalise(&rest, &path, |object| harm(&mut object["status"])).await;
        rest.wait_until(&path, "right again", |object| ours(&object["status"]) == before).await;
    }
    // A parent's status of ours that is gone, and one of another controller.
    let other =
        json!({"parentRef": {"name": "elsewhere"}, "controllerName": "example.com/c", "conditions": [theirs()]});
    let path = format!("{ROUTES}/app");
    let before = ours(&rest.read(&path).await["status"]);
    vandalise(&rest, &path, |object| object["status"]["parents"] = json!([other])).await;
    let after = rest.wait_until(&path, "right again", |object| ours(&object["status"]) == before).await;
    assert_eq!(after["status"]["parents"][0], other);
}

/// What every operator does: it creates an object, and merges its own condition into the status a moment later. The merge
/// replaces the whole list, whether ours is in it by then, is being written or is yet to come.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_merged_right_after_the_creation_takes_ours_away_for_no_longer_than_a_moment() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    rest.wait_for_ready("default").await;
    let merge = json!({"status": {"conditions": [theirs()]}});
    for round in 0..40 {
        let (path, object) = match round % 2 {
            0 => (format!("{GATEWAYS}/g{round}"), manifest::gateway(&format!("g{round}"), port::free())),
            _ => (format!("{BACKENDS}/b{round}"), manifest::backend(&format!("b{round}"), &["127.0.0.1"])),
        };
        rest.create(&object).await;
        // At once, or when the first of ours has just been seen: before, while and after it is written.
        if round % 4 > 1 {
            rest.wait_until(&path, "told of", |object| object["status"]["conditions"].is_array()).await;
        }
        for _ in 0..=round % 3 {
            rest.change(&format!("{path}/status"), &merge).await;
        }
        let condition = if round % 2 == 0 { "Programmed" } else { "Accepted" };
        let found = rest.wait_until(&path, condition, |object| is_true(object, condition)).await;
        let conditions = found["status"]["conditions"].as_array().unwrap();
        assert!(conditions.contains(&theirs()), "round {round}: {conditions:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_the_whole_object_changes_no_status() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    for (path, _) in stage(&rest).await {
        let before = rest.read(&path).await;
        let mut lie = before.clone();
        lie["status"] = json!({"conditions": [theirs()]});
        lie["metadata"]["labels"] = json!({"a": "b"});
        let (status, answer) = rest.put(&path, &lie).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        assert_eq!(answer["status"], before["status"], "{path}");
        let patched = rest.change(&path, &json!({"status": null, "metadata": {"labels": {"a": null}}})).await;
        assert_eq!(patched["status"], before["status"], "{path}");
    }
}

/// The value of a metric of the control plane.
async fn metric(rest: &Rest, name: &str) -> f64 {
    let (_, text) = rest.try_send(Method::GET, "/metrics", "", "").await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_condition_do_not_fight_without_end() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    for name in ["fought", "other"] {
        rest.create(&manifest::backend(name, &["127.0.0.1"])).await;
        rest.wait_for(&format!("{BACKENDS}/{name}"), "Accepted").await;
    }
    let lie = json!({"status": {"conditions": []}});
    let path = format!("{BACKENDS}/fought");
    let mut repairs = 0;
    // The other writer answers each repair at once, until one does not come.
    while metric(&rest, "backstay_status_repairs_delayed_total").await == 0.0 {
        rest.change(&format!("{path}/status"), &lie).await;
        loop {
            let delayed = metric(&rest, "backstay_status_repairs_delayed_total").await > 0.0;
            if delayed || is_true(&rest.read(&path).await, "Accepted") {
                break;
            }
        }
        repairs += 1;
        assert!(repairs < 100, "there is no end of it");
    }
    let counted = metric(&rest, "backstay_status_repairs_total").await;
    assert!((10.0..100.0).contains(&counted), "{counted}");
    // Others are not held up, and our own writes are nobody's harm.
    rest.change(&format!("{BACKENDS}/other/status"), &lie).await;
    rest.wait_for(&format!("{BACKENDS}/other"), "Accepted").await;
    // In the end it is put right all the same.
    rest.wait_for(&path, "Accepted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_a_gateway_that_is_another_controllers_is_taken_back() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let mut gateway = manifest::gateway("only", port::free());
    gateway["spec"]["gatewayClassName"] = json!("envoy");
    let path = format!("{GATEWAYS}/only");
    rest.create(&gateway).await;
    let waits = |object: &Value| object["status"].to_string().contains("GatewayClass envoy does not exist");
    rest.wait_until(&path, "pending", waits).await;
    rest.change(&format!("{path}/status"), &json!({"status": {"conditions": [theirs()]}})).await;
    rest.wait_until(&path, "pending again", waits).await;
    let class = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "envoy"},
        "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}});
    rest.create(&class).await;
    let after = rest.wait_until(&path, "left to its controller", |object| !waits(object)).await;
    assert_eq!(after["status"], json!({"conditions": [theirs()]}));
    // What that controller writes is its own, whatever the type.
    let accepted = json!({"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
        "lastTransitionTime": "2020-01-02T03:04:05Z"});
    rest.change(&format!("{path}/status"), &json!({"status": {"conditions": [accepted]}})).await;
    // Something else is written in the meantime, so that the control plane has had its turn.
    rest.create(&manifest::backend("later", &["127.0.0.1"])).await;
    rest.wait_for(&format!("{BACKENDS}/later"), "Accepted").await;
    assert_eq!(rest.read(&path).await["status"]["conditions"], json!([accepted]));
}

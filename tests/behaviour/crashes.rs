//! What is told after a crash.

use serde_json::{Value, json};

use crate::harness::rest::BACKENDS;
use crate::harness::{ControlPlane, Proxy, manifest, port};

const POLICIES: &str = "/apis/backstay.dev/v1alpha1/backendpolicies";

fn is_programmed(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let generation = &object["metadata"]["generation"];
    conditions.iter().any(|condition| {
        condition["type"] == "Programmed"
            && condition["status"] == "True"
            && condition["observedGeneration"] == *generation
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_killed_control_plane_has_committed_is_not_programmed_before_proxies_have_it() {
    let scratch = tempfile::tempdir().unwrap();
    let mut control_plane = ControlPlane::start_in(scratch.path());
    let mut proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    manifest::serve(&rest, port::free(), "app.example", &["127.0.0.1"], 1).await;
    let policy = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"},
        "spec": {"targetRefs": [{"name": "app"}], "timeouts": {"connect": "1s"}}});
    rest.create(&policy).await;
    let (backend, policy) = (format!("{BACKENDS}/app"), format!("{POLICIES}/app"));
    for path in [&policy, &backend] {
        rest.wait_until(path, "programmed", is_programmed).await;
    }

    // From here on nobody acknowledges anything, and of this change the killed process has no time to tell.
    proxy.process.kill();
    rest.change(&policy, &json!({"spec": {"timeouts": {"connect": "2s"}}})).await;
    control_plane.kill_and_restart();
    let rest = control_plane.rest();
    for path in [&policy, &backend] {
        rest.wait_until(path, "not programmed", |object| !is_programmed(object)).await;
    }
    let _proxy = Proxy::start(control_plane.xds());
    for path in [&policy, &backend] {
        rest.wait_until(path, "programmed again", is_programmed).await;
    }
}

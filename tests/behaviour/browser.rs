//! A real Chromium with pages that try what pages can against what listens on their reader's machine.

use std::net::SocketAddr;
use std::process::Command;

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::rest::{BACKENDS, SECRETS};
use crate::harness::tools::{self, Browser};
use crate::harness::{Client, ControlPlane, Dev, Proxy, Rest};

/// What is in the Secret and must not come out, as it is stored.
const KEY: &str = "bm90IGZvciBwYWdlcw==";

/// What the pages get.
fn surf(browser: &Browser, api: SocketAddr, admin: SocketAddr) -> Value {
    let home = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/browser/pages.js");
    let output = Command::new("timeout")
        .arg("120")
        .arg(&browser.node)
        .arg(script)
        .args([api.port().to_string(), admin.port().to_string()])
        .env("BACKSTAY_CHROMIUM", &browser.chromium)
        .env("BACKSTAY_PLAYWRIGHT", std::path::absolute(&browser.playwright).unwrap())
        .env("HOME", home.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

async fn fill(rest: &Rest) {
    let backend = json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "kept"},
        "spec": {"endpoints": [{"ip": "192.0.2.1"}]}});
    rest.create(&backend).await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept", "namespace": "default"},
        "data": {"key": KEY}});
    rest.create(&secret).await;
    let (status, list) = rest.get(SECRETS).await;
    assert!(status == StatusCode::OK && list.to_string().contains(KEY), "{list}");
}

async fn names(rest: &Rest) -> Vec<String> {
    let (_, list) = rest.get(BACKENDS).await;
    let names = list["items"].as_array().unwrap().iter();
    names.map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

async fn refused_by_api(api: SocketAddr) -> u64 {
    let text = Client::new().get(api, &api.to_string(), "/metrics").await.unwrap().text();
    let line = text.lines().find_map(|line| line.strip_prefix("backstay_api_requests_refused_total "));
    line.unwrap().parse().unwrap()
}

async fn no_page_gets_in(browser: &Browser, api: SocketAddr, admin: SocketAddr) {
    let rest = Rest::new(api);
    fill(&rest).await;
    let mut before = names(&rest).await;
    let already = refused_by_api(api).await;
    let seen = surf(browser, api, admin);
    let shown = format!("{seen:#}");
    assert!(!shown.contains(KEY), "a page read the Secret: {shown}");

    before.push("by-own-page".to_owned());
    let mut after = names(&rest).await;
    before.sort();
    after.sort();
    assert_eq!(after, before, "only the API's own page changes the store: {shown}");

    for host in ["127.0.0.1", "localhost"] {
        let of_page = &seen[format!("foreign to {host}")];
        for (what, got) in of_page.as_object().unwrap() {
            let sent_unseen = ["bytes", "blob", "text", "parameters", "form", "beacon", "drain", "unseen"];
            let expected = if sent_unseen.iter().any(|kind| what.contains(kind)) { "opaque" } else { "failed" };
            assert_eq!(got, expected, "{host}, {what}");
        }
        assert_eq!(of_page.as_object().unwrap().len(), 17, "{shown}");
    }
    let rebound = seen["rebound to the API"].as_object().unwrap();
    assert_eq!(rebound["arrived"], 403, "{shown}");
    for what in ["create: json", "delete", "read secrets", "read metrics"] {
        assert_eq!(rebound[what]["status"], 403, "{what}: {shown}");
        assert!(rebound[what]["text"].as_str().unwrap().contains("--allowed-host"), "{what}: {shown}");
    }
    assert_eq!(rebound["watch by socket"], "failed");
    let of_admin = seen["rebound to the admin endpoint"].as_object().unwrap();
    assert_eq!((&of_admin["arrived"], &of_admin["read dump"]["status"]), (&403.into(), &403.into()), "{shown}");
    assert_eq!(of_admin["drain"]["status"], 403, "{shown}");
    // Nothing in between kept them: they came here, and were refused here.
    let refused = refused_by_api(api).await - already;
    assert!(refused >= 30, "only {refused} requests came to the API: {shown}");

    let own = &seen["own"];
    assert_eq!((&own["arrived"], &own["read"]["status"]), (&200.into(), &200.into()), "{shown}");
    assert_eq!((&own["create"]["status"], &own["untyped"]["status"]), (&201.into(), &415.into()), "{shown}");
    let ready = Client::new().get(admin, &admin.to_string(), "/ready").await.unwrap();
    assert_ne!(ready.text(), "draining\n", "a page drained the proxy");
    rest.create(&json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "by-client"},
        "spec": {"endpoints": [{"ip": "192.0.2.1"}]}}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reaches_a_control_plane_or_a_proxy() {
    let Some(browser) = tools::browser() else { return };
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    no_page_gets_in(&browser, control_plane.api(), proxy.admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reaches_backstay_dev() {
    let Some(browser) = tools::browser() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let nothing = scratch.path().join("manifests");
    std::fs::create_dir(&nothing).unwrap();
    let dev = Dev::start(&scratch.path().join("data"), &["-f", nothing.to_str().unwrap()]);
    no_page_gets_in(&browser, dev.api, dev.admin).await;
}

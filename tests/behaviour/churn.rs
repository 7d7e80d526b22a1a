//! Many random changes, several writers at once: what the proxy holds in the end is what the store says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::StatusCode;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::harness::rest::{BACKENDS, ROUTES};
use crate::harness::{Client, ControlPlane, Proxy, Rest, manifest, port};

const WRITERS: u64 = 4;
const CHANGES: usize = 250;
/// Few names, so that creates, updates and deletes meet.
const NAMES: usize = 20;

fn name(writer: u64, number: usize) -> String {
    format!("b{writer}-{number}")
}

/// Creates, changes and deletes Backends of its own names, in a random but repeatable order.
async fn write(rest: Rest, writer: u64) {
    let mut random = SmallRng::seed_from_u64(writer);
    for _ in 0..CHANGES {
        let name = name(writer, random.random_range(0..NAMES));
        let ip = format!("10.{}.{}.{}", random.random::<u8>(), random.random::<u8>(), random.random_range(1..=254));
        let object = manifest::backend(&name, &[&ip]);
        let path = format!("{BACKENDS}/{name}");
        let (status, answer) = match random.random_range(0..3) {
            0 => rest.post(BACKENDS, &object).await,
            1 => rest.put(&path, &object).await,
            _ => rest.delete(&path).await,
        };
        let expected = [StatusCode::OK, StatusCode::CREATED, StatusCode::CONFLICT, StatusCode::NOT_FOUND];
        assert!(expected.contains(&status), "{status} {answer}");
    }
}

/// Address of each Backend, as the store has it.
async fn stored(rest: &Rest) -> BTreeMap<String, String> {
    let list = rest.read(BACKENDS).await;
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&item["metadata"]["name"]), text(&item["spec"]["endpoints"][0]["ip"]))
        })
        .collect()
}

/// Address of each Backend, as the proxy has it.
async fn held(proxy: &Proxy) -> BTreeMap<String, String> {
    let dump = Client::new().get(proxy.admin, "localhost", "/config_dump").await.unwrap().json();
    let resources = dump["resources"].as_array().unwrap().iter();
    resources
        .filter_map(|resource| {
            let name = resource["name"].as_str().unwrap().strip_prefix("backend/")?;
            Some((name.to_owned(), resource["content"]["static"]["endpoints"][0]["ip"].as_str().unwrap().to_owned()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_thousand_changes_the_proxy_holds_what_the_store_says() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    rest.create(&manifest::gateway("web", port::free())).await;
    // Every name is referred to, whether it exists or not: sixteen rules a route, one Backend a rule.
    let names: Vec<String> =
        (0..WRITERS).flat_map(|writer| (0..NAMES).map(move |number| name(writer, number))).collect();
    for (index, names) in names.chunks(16).enumerate() {
        let mut route = manifest::route(&format!("r{index}"), "web", "churn.example.com", "unused", 80);
        let rule = |name: &String| {
            json!({
                "matches": [{"path": {"type": "Exact", "value": format!("/{name}")}}],
                "backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": name, "port": 80}],
            })
        };
        route["spec"]["rules"] = names.iter().map(rule).collect();
        rest.create(&route).await;
    }

    let writers = (0..WRITERS).map(|writer| tokio::spawn(write(control_plane.rest(), writer)));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }

    // A last change marks the end: once it is programmed, so is everything before it.
    let last = name(0, 0);
    let _ = rest.delete(&format!("{BACKENDS}/{last}")).await;
    rest.create(&manifest::backend(&last, &["192.0.2.1"])).await;
    rest.wait_for(&format!("{BACKENDS}/{last}"), "Programmed").await;
    let stored = stored(&rest).await;
    assert!(stored.len() > 10, "the changes left something to compare: {stored:?}");
    assert_eq!(held(&proxy).await, stored);

    // And every route tells what of it is missing.
    let routes = rest.read(ROUTES).await;
    let missing: BTreeSet<&String> = names.iter().filter(|name| !stored.contains_key(*name)).collect();
    for route in routes["items"].as_array().unwrap() {
        let text = route["spec"].to_string();
        let lacks = missing.iter().any(|name| text.contains(&format!("\"{name}\"")));
        let conditions = route["status"]["parents"][0]["conditions"].as_array().cloned().unwrap_or_default();
        let resolved = conditions.iter().find(|condition| condition["type"] == "ResolvedRefs").unwrap();
        assert_eq!(resolved["status"] == "False", lacks, "{route}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_object_never_lose_a_change() {
    const EACH: usize = 50;
    let control_plane = ControlPlane::start();
    let rest = Arc::new(control_plane.rest());
    rest.create(&manifest::backend("shared", &["10.0.0.1"])).await;
    let path = format!("{BACKENDS}/shared");
    let writer = |label: &'static str| {
        let (rest, path) = (rest.clone(), path.clone());
        tokio::spawn(async move {
            let mut done = 0;
            while done < EACH {
                let mut object = rest.read(&path).await;
                let count = object["metadata"]["annotations"][label].as_str().unwrap_or("0").parse::<usize>().unwrap();
                object["metadata"]["annotations"][label] = json!((count + 1).to_string());
                let (status, answer) = rest.put(&path, &object).await;
                match status {
                    StatusCode::OK => done += 1,
                    StatusCode::CONFLICT => {}
                    _ => panic!("{answer}"),
                }
            }
        })
    };
    let (one, two) = (writer("one"), writer("two"));
    one.await.unwrap();
    two.await.unwrap();
    let annotations = &rest.read(&path).await["metadata"]["annotations"];
    assert_eq!(*annotations, json!({"one": EACH.to_string(), "two": EACH.to_string()}));
}

//! Boards and alerts name what there is: every metric, and every label of it, is in a scrape of real processes. And every alert fires.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::cluster::documents;
use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::tls::{Authority, Session};
use crate::harness::{Client, ControlPlane, Proxy, Upstream, manifest, port, tools};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// Metrics, each with the labels of its samples.
type Scrape = BTreeMap<String, BTreeSet<String>>;

fn scrape(text: &str, into: &mut Scrape) {
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            into.entry(name.to_owned()).or_default();
            if kind == "histogram" {
                for end in ["_bucket", "_sum", "_count"] {
                    into.entry(format!("{name}{end}")).or_default().insert("le".to_owned());
                }
            }
        } else if let Some((name, rest)) = line.split_once('{').filter(|(name, _)| !name.contains(' ')) {
            let labels = into.entry(name.to_owned()).or_default();
            // Values have no `="` in them here.
            labels.extend(rest.split("=\"").filter_map(|part| part.rsplit([',', '{', '"']).next()).map(str::to_owned));
        }
    }
}

/// What an expression names: metrics with the labels that they are selected by, and labels that others are joined by.
fn named(expression: &str) -> (Scrape, BTreeSet<String>) {
    let (mut metrics, mut joined) = (Scrape::new(), BTreeSet::new());
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut rest = expression;
    while let Some(start) = rest.find(|character: char| character.is_ascii_alphabetic() || character == '"') {
        rest = &rest[start..];
        if let Some(text) = rest.strip_prefix('"') {
            rest = &text[text.find('"').unwrap() + 1..];
            continue;
        }
        let word = &rest[..rest.find(|character| !is_part(character)).unwrap_or(rest.len())];
        rest = &rest[word.len()..];
        if word == "by" {
            let list = rest.trim_start().strip_prefix('(').unwrap();
            let (list, after) = list.split_once(')').unwrap();
            joined.extend(list.split(',').map(|label| label.trim().to_owned()));
            rest = after;
        } else if word.starts_with("backstay_") || word.starts_with("process_") {
            let labels = metrics.entry(word.to_owned()).or_default();
            if let Some(selector) = rest.strip_prefix('{') {
                let (selector, after) = selector.split_once('}').unwrap();
                for part in selector.split(',') {
                    labels.insert(part.split(['=', '!']).next().unwrap().trim().to_owned());
                }
                rest = after;
            }
        }
    }
    (metrics, joined)
}

/// All expressions, each with where it stands.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let rules = documents(&read("prometheus-rules.yaml")).remove(0);
    for group in rules["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let alert = rule["alert"].as_str().unwrap().to_owned();
            assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{alert}");
            for text in ["summary", "description"] {
                assert!(rule["annotations"][text].is_string(), "{alert} has no {text}");
            }
            all.push((alert, rule["expr"].as_str().unwrap().to_owned()));
        }
    }
    for file in std::fs::read_dir(folder().join("grafana")).unwrap() {
        let path = file.unwrap().path();
        let board: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(board["uid"], path.file_stem().unwrap().to_str().unwrap());
        let mut ids = BTreeSet::new();
        for panel in board["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}: a panel's id twice", path.display());
            let title = format!("{}: {}", path.display(), panel["title"]);
            for target in panel["targets"].as_array().into_iter().flatten() {
                all.push((title.clone(), target["expr"].as_str().unwrap().to_owned()));
            }
        }
        for variable in board["templating"]["list"].as_array().unwrap() {
            if let Some(query) = variable["definition"].as_str() {
                all.push((format!("{}: {}", path.display(), variable["name"]), query.to_owned()));
            }
        }
    }
    all
}

/// Of a control plane and a proxy that have seen something of everything, and of a control plane with TLS.
async fn everything() -> (Scrape, Scrape) {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::answering("here").await;
    let listen = port::free();
    manifest::serve(&rest, listen, "shop.example", &["127.0.0.1"], upstream.port()).await;
    let authority = Authority::new();
    rest.create(&authority.issue(&["secure.example"]).secret("secure")).await;
    let mut gateway = manifest::gateway("secure", port::free());
    gateway["spec"]["listeners"][0]["protocol"] = json!("HTTPS");
    gateway["spec"]["listeners"][0]["tls"] = json!({"certificateRefs": [{"name": "secure"}]});
    rest.create(&gateway).await;
    let mut dynamic = manifest::backend("dynamic", &[]);
    dynamic["spec"] = json!({"dynamicProxy": {"dnsCacheConfig": {}}});
    rest.create(&dynamic).await;
    rest.create(&manifest::route("dynamic", "web", "localhost", "dynamic", 80)).await;
    for path in [format!("{BACKENDS}/dynamic"), format!("{GATEWAYS}/secure")] {
        rest.wait_for(&path, "Programmed").await;
    }
    // What only counts once somebody was there.
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    let answer = Client::new().get(address, "shop.example", "/").await.unwrap();
    assert_eq!(answer.status, 200);
    let (mut of_proxy, mut of_control_plane) = (Scrape::new(), Scrape::new());
    scrape(&Client::new().get(proxy.admin, "localhost", "/metrics").await.unwrap().text(), &mut of_proxy);
    scrape(rest.get("/metrics").await.1.as_str().unwrap(), &mut of_control_plane);

    let secured = ControlPlane::start_with(&["--authority", "--limit", "max-watches=1"]);
    let session = async || Session::open(secured.api(), "localhost", &[]).await.unwrap();
    // Of two watches one goes on, and the other is turned away.
    let watch = format!("{BACKENDS}?watch=true");
    let (mut one, mut other) = (session().await, session().await);
    let turned_away = tokio::select! {
        answer = one.get(&watch) => answer,
        answer = other.get(&watch) => answer,
    };
    assert_eq!(turned_away.unwrap().0, 429);
    let mut session = session().await;
    scrape(&session.get("/metrics").await.unwrap().1, &mut of_control_plane);
    (of_proxy, of_control_plane)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_and_label_of_boards_and_alerts_is_in_a_scrape() {
    let (of_proxy, of_control_plane) = everything().await;
    let both: Scrape = of_proxy.clone().into_iter().chain(of_control_plane.clone()).collect();
    // What Prometheus adds.
    let added = ["instance", "job"];
    let expressions = expressions();
    assert!(expressions.len() > 100, "only {} expressions", expressions.len());
    let mut wrong = BTreeSet::new();
    for (place, expression) in expressions {
        let (metrics, joined) = named(&expression);
        assert!(!metrics.is_empty(), "{place}: {expression} names no metric");
        let mut known: BTreeSet<&str> = added.into();
        let scraped = match &place {
            place if place.contains("backstay-control-plane.json") => &of_control_plane,
            place if place.contains(".json") => &of_proxy,
            _ => &both,
        };
        for (name, selected) in &metrics {
            let Some(labels) = scraped.get(name) else {
                wrong.insert(format!("{place}: there is no {name}"));
                continue;
            };
            known.extend(labels.iter().map(String::as_str));
            let has = |label: &&String| labels.contains(*label) || added.contains(&label.as_str());
            wrong.extend(
                selected.iter().filter(|label| !has(label)).map(|label| format!("{place}: {name} has no {label}")),
            );
        }
        let unknown = joined.iter().filter(|label| !known.contains(label.as_str()));
        wrong.extend(unknown.map(|label| format!("{place}: nothing in {expression} has {label}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_alert_fires_in_its_incident_and_not_before() {
    let tests = read("prometheus-rules.test.yaml");
    for (alert, _) in expressions().iter().filter(|(place, _)| place.starts_with("Backstay")) {
        assert!(tests.contains(&format!("  - name: {alert}\n")), "{alert} has no incident");
    }
    let Some(promtool) = tools::promtool() else { return };
    for arguments in [["check", "rules", "prometheus-rules.yaml"], ["test", "rules", "prometheus-rules.test.yaml"]] {
        let output = Command::new(&promtool).args(arguments).current_dir(folder()).output().unwrap();
        let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
        assert!(output.status.success(), "{said}");
    }
}

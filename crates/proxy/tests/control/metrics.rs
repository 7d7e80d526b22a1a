//! What an operator sees in numbers.

use std::collections::BTreeSet;

use backstay_proto::config::{
    AddressRules, Attachment, Backend, BackendRef, DynamicForward, Forward, Match, PathMatch, Route, Rule,
    WeightedBackend, backend, path_match, resource, rule, weighted_backend,
};
use backstay_proxy::Proxy;

use super::exposition::{Exposition, Labels};
use super::plane::{ControlPlane, free_port};
use super::traffic::{Upstream, get};
use super::{acknowledged, admin, all, ip, listener, options};

const GUIDE: &str = include_str!("../../../../docs/metrics.md");
const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

pub(crate) async fn read(proxy: &Proxy, path: &str) -> Exposition {
    let (status, text) = admin(proxy, path).await;
    assert_eq!(status, 200, "{text}");
    Exposition::read(&text)
}

/// To `backend` at `port`, for paths below `path`.
fn route_to(path: &str, name: &str, port: u16) -> resource::Kind {
    let target = weighted_backend::Target::Backend(BackendRef { backend: name.to_owned(), port: port.into() });
    let backends = vec![WeightedBackend { weight: 1, target: Some(target), filters: vec![] }];
    let path = PathMatch { kind: Some(path_match::Kind::Prefix(path.to_owned())) };
    let rule = Rule {
        matches: vec![Match { path: Some(path), ..Match::default() }],
        action: Some(rule::Action::Forward(Forward { backends, ..Forward::default() })),
        ..Rule::default()
    };
    let attachment = Attachment { listener: "listener/n/g/http".to_owned(), hostnames: vec![] };
    resource::Kind::Route(Route {
        attachments: vec![attachment],
        rules: vec![rule],
        order_key: name.to_owned(),
        ..Route::default()
    })
}

fn dynamic() -> resource::Kind {
    let rules = AddressRules { allow: vec!["0.0.0.0/0".into(), "::/0".into()], ..AddressRules::default() };
    let forward = DynamicForward { address_rules: Some(rules), ..DynamicForward::default() };
    resource::Kind::Backend(Backend {
        discovery: Some(backend::Discovery::DynamicForward(forward)),
        ..Backend::default()
    })
}

#[tokio::test]
async fn names_that_nobody_should_choose_are_exported_all_the_same() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let hostile = "backend/a\"b\\c\nd{e=\"f\"} 1\u{e9}\r\t# TYPE";
    plane.put(vec![
        ("listener/n/g/http", listener(listen)),
        (hostile, super::backend(vec![ip("127.0.0.1")])),
        ("backend/nul\0", super::backend(vec![ip("127.0.0.1")])),
        // Envoy's names of metrics cannot tell these two apart.
        ("backend/a.b", dynamic()),
        ("backend/a-b", dynamic()),
        ("route/n/1", route_to("/1", hostile, upstream.port())),
        ("route/n/2", route_to("/2", "backend/nul\0", upstream.port())),
        ("route/n/3", route_to("/3", "backend/a.b", 0)),
        ("route/n/4", route_to("/4", "backend/a-b", 0)),
    ]);
    acknowledged(&mut plane, 1).await;
    for path in ["/1", "/2", "/3", "/4"] {
        let host = format!("localhost:{}", upstream.port());
        assert_eq!(get(listen, &host, path).await, (200, "here".to_owned()), "{path}");
    }
    assert_eq!(get(listen, "h\"ost\\.invalid", "/4").await.0, 400);

    let own = read(&proxy, "/metrics").await;
    for backend in [hostile, "backend/nul\u{fffd}", "backend/a.b", "backend/a-b"] {
        let labels = [("backend", backend), ("class", "2xx")];
        assert_eq!(own.value("backstay_backend_requests_total", &labels), 1.0, "{backend}");
    }
    let envoy = read(&proxy, "/stats/prometheus").await;
    let class = ("envoy_response_code_class", "2");
    let name = hostile.strip_prefix("backend/").unwrap();
    assert_eq!(envoy.value("envoy_cluster_upstream_rq_xx", &[("envoy_cluster_name", name), class]), 1.0);
    for name in ["a.b", "a-b"] {
        let labels = [("envoy_cluster_name", name)];
        assert_eq!(envoy.value("envoy_dns_cache_a_b_dns_query_attempt", &labels), 1.0, "{name}");
    }
    proxy.shutdown().await;
}

/// The cells of the rows of the guide's tables.
fn rows(guide: &str) -> impl Iterator<Item = Vec<&str>> {
    guide.lines().filter(|line| line.starts_with("| `")).map(|line| line.trim_matches('|').split(" | ").collect())
}

/// Names in code within a cell.
fn codes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[tokio::test]
async fn the_guide_lists_what_is_exported() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let mut resources = all(listen, "127.0.0.1", upstream.port());
    resources.push(("backend/NAME", dynamic()));
    resources.push(("route/n/dynamic", route_to("/dynamic", "backend/NAME", 0)));
    plane.put(resources);
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 200);

    let listed: Vec<_> = rows(GUIDE).map(|row| codes(row[0]).next().unwrap().to_owned()).collect();
    let exported: BTreeSet<_> = read(&proxy, "/metrics").await.0.into_keys().collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), exported);
    assert_eq!(listed.len(), exported.len(), "each once");
    let labels = |row: &[&str]| codes(row[0]).nth(1).map(|labels| labels.trim_matches(['{', '}']).to_owned());
    let families = read(&proxy, "/metrics").await.0;
    for row in rows(GUIDE) {
        let family = &families[codes(row[0]).next().unwrap()];
        let Some((_, found, _)) = family.samples.first() else { continue };
        let found: Vec<_> = found.keys().filter(|label| *label != "le").cloned().collect();
        assert_eq!(labels(&row).unwrap_or_default(), found.join(","), "{}", row[0]);
    }

    let listed: BTreeSet<_> =
        rows(GUIDE).flat_map(|row| codes(row[2]).map(str::to_owned).collect::<Vec<_>>()).collect();
    let exported: BTreeSet<_> = read(&proxy, "/stats/prometheus").await.0.into_keys().collect();
    assert_eq!(listed, exported);
    proxy.shutdown().await;
}

#[tokio::test]
async fn the_guide_lists_the_limits_with_their_defaults_and_metrics() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    let read = read(&proxy, "/metrics").await;

    let limits = OPERATIONS.split("## Limits").nth(1).unwrap().split("\n## ").next().unwrap();
    let (of_process, of_backends) = limits.split_once("BackendPolicy").unwrap();
    let listed: BTreeSet<_> = rows(of_process)
        .map(|row| {
            let default = codes(row[1]).next().unwrap();
            let number: f64 = default.trim_end_matches('s').parse().expect(default);
            (codes(row[0]).next().unwrap().to_owned(), number.to_string())
        })
        .collect();
    let in_force = &read.0["backstay_limit"].samples;
    let in_force: BTreeSet<_> =
        in_force.iter().map(|(_, labels, value)| (labels["limit"].clone(), value.to_string())).collect();
    assert_eq!(listed, in_force);

    for row in rows(of_process).chain(rows(of_backends)) {
        let codes: Vec<_> = codes(row[row.len() - 1]).collect();
        let Some(name) = codes.first() else {
            assert!(row[0].contains("window"), "{} shows nowhere", row[0]);
            continue;
        };
        let family = read.0.get(*name).unwrap_or_else(|| panic!("there is no {name}"));
        for value in codes[1..].iter().filter(|code| !code.starts_with("backstay_")) {
            let has = |(_, labels, _): &(_, Labels, _)| labels.values().any(|found| found == value);
            assert!(family.samples.iter().any(has), "{name} has no {value}");
        }
    }
    proxy.shutdown().await;
}

//! Which names and labels there are.

use std::collections::{BTreeMap, BTreeSet};

use hickory_proto::rr::RecordType::A;
use serde_json::json;

use super::{HERE, OK};
use crate::compare::play_both;
use crate::counts::{Export, guide};
use crate::dns::Reply;
use crate::row::{Cache, Family, Row, Step, same};
use crate::upstream::Behaviour;

const PROCESS: &str = "clients are counted for the process: its listeners are one";
const CACHES: &str =
    "names of caches that cannot be names of metrics may come out the same: the label tells them apart";

/// Metrics whose series have other labels: what their names begin with, labels in Envoy and in Backstay, and why.
const LABELS: &[(&str, &[&str], &[&str], &str)] = &[
    ("envoy_http_downstream_", &["envoy_http_conn_manager_prefix"], &[], PROCESS),
    ("envoy_listener_downstream_", &["envoy_listener_address"], &[], PROCESS),
    ("envoy_dns_cache_", &[], &["envoy_cluster_name"], CACHES),
];

/// What is said under one name: its type, and the labels of its series.
type Shape = (String, BTreeSet<Vec<String>>);

fn shapes(text: &str) -> BTreeMap<String, Shape> {
    let export = Export { text: text.to_owned() };
    let types = export.types();
    let mut shapes = BTreeMap::<_, Shape>::new();
    for series in export.series() {
        // Those of histograms go by other names.
        let Some(kind) = types.get(&*series.name) else { continue };
        let (_, labels) = shapes.entry(series.name).or_insert_with(|| ((*kind).to_owned(), BTreeSet::new()));
        labels.insert(series.labels.into_keys().collect());
    }
    shapes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_name_is_envoys_and_so_are_its_labels() {
    let cache = Cache { family: Some(Family::V4Only), ..Cache::default() };
    let check = json!({"path": "/health"});
    // All that makes Envoy count something more.
    let rows = vec![
        Row::dynamic("a-name", cache)
            .record("", A, Reply::Addresses(60, HERE))
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .get(same(OK))
            .see(Step::Exported, same("")),
        Row::fixed("everything", HERE)
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .certificate(HERE)
            .policy(json!({
                "healthChecks": [{"http": check, "interval": "1h", "timeout": "1s", "thresholds": {"healthy": 1, "unhealthy": 1}}],
                "outlierDetection": {"consecutive5xx": 5},
                "limits": {"connections": 10, "pendingRequests": 20, "requests": 30, "retries": 40},
            }))
            .cluster(json!({
                "health_checks": [{
                    "http_health_check": check, "interval": "3600s", "timeout": "1s", "healthy_threshold": 1,
                    "unhealthy_threshold": 1,
                }],
                "outlier_detection": {"consecutive_5xx": 5},
                "circuit_breakers": {"thresholds": [{"track_remaining": true}]},
            }))
            .then(Step::Counted("health_check_success", 1))
            .get(same(OK))
            .see(Step::Exported, same("")),
    ];
    let Some((of_envoy, of_backstay)) = play_both("", &rows).await else { return };
    let (theirs, ours) = (shapes(&of_envoy[1][2]), shapes(&of_backstay[1][2]));
    for name in guide() {
        let name = name.replace("NAME", "a_name");
        assert!(ours.contains_key(&name), "Backstay does not export {name}");
    }
    let wrong: Vec<_> = ours.iter().filter_map(|(name, shape)| difference(name, shape, theirs.get(name))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as it should be of one name.
fn difference(name: &str, ours: &Shape, theirs: Option<&Shape>) -> Option<String> {
    let Some(theirs) = theirs else { return Some(format!("{name} is none of Envoy's")) };
    let of = |labels: &[&str]| BTreeSet::from([labels.iter().map(ToString::to_string).collect::<Vec<_>>()]);
    let as_expected = match LABELS.iter().find(|(prefix, ..)| name.starts_with(prefix)) {
        Some((_, envoy, backstay, reason)) => {
            println!("{name}: Envoy has the labels {envoy:?}, Backstay {backstay:?}\n  because {reason}");
            theirs.1 == of(envoy) && ours.1 == of(backstay)
        }
        None => theirs.1 == ours.1,
    };
    (!as_expected || ours.0 != theirs.0).then(|| format!("{name}: Envoy has {theirs:?}, Backstay {ours:?}"))
}

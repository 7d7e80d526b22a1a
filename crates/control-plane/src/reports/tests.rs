use std::sync::Arc;

use backstay_proto::report::{BackendHealth, ReportHealthRequest};

use super::{Beyond, Count, Limits, Reports};

fn health(backend: &str, healthy: u32, unhealthy: u32) -> BackendHealth {
    let reason = if unhealthy > 0 { "down".to_owned() } else { String::new() };
    BackendHealth { backend: backend.to_owned(), healthy, unhealthy, reason, ..BackendHealth::default() }
}

fn message(node: &str, backends: Vec<BackendHealth>) -> ReportHealthRequest {
    ReportHealthRequest { node_id: node.to_owned(), backends, ..ReportHealthRequest::default() }
}

#[test]
fn what_each_proxy_says_is_told_until_it_says_otherwise_or_goes() {
    let reports = Arc::new(Reports::default());
    let (one, two) = (reports.open(&message("one", vec![])).unwrap(), reports.open(&message("two", vec![])).unwrap());
    one.told(message("", vec![health("a", 1, 0), health("b", 1, 1)])).unwrap();
    two.told(message("", vec![health("a", 0, 1)])).unwrap();
    let states: Vec<_> =
        reports.of("a").iter().map(|(node, it)| (node.to_string(), it.healthy, it.reason.to_string())).collect();
    assert_eq!(states, [("one".to_owned(), 1, String::new()), ("two".to_owned(), 0, "down".to_owned())]);
    let count = |healthy, degraded, unhealthy| Count { healthy, degraded, unhealthy };
    assert_eq!(reports.counts(), [("a".into(), count(1, 0, 1)), ("b".into(), count(0, 1, 0))].into());
    two.told(message("", vec![health("a", 1, 0)])).unwrap();
    assert_eq!(reports.counts()["a"], count(2, 0, 0));
    one.told(ReportHealthRequest { forgotten: vec!["a".to_owned()], ..ReportHealthRequest::default() }).unwrap();
    assert_eq!(reports.of("a").len(), 1);
    drop(two);
    assert!(reports.of("a").is_empty());
    assert_eq!(reports.of("b").len(), 1);
}

#[test]
fn a_proxy_has_no_more_remembered_than_the_limits_allow() {
    let limits = Limits { backends: 2, name_bytes: 4, reason_bytes: 3, ..Limits::default() };
    let reports = Arc::new(Reports { limits, ..Reports::default() });
    assert_eq!(reports.open(&message("a long name", vec![])).unwrap_err(), Beyond::Name(4));
    let stream = reports.open(&message("n", vec![])).unwrap();
    stream.told(message("", vec![health("a", 0, 1)])).unwrap();
    assert_eq!(&*reports.of("a")[0].1.reason, "dow");
    assert_eq!(stream.told(message("", vec![health("a long name", 1, 0)])), Err(Beyond::Name(4)));
    let many = vec![health("b", 1, 0), health("c", 1, 0)];
    assert_eq!(stream.told(message("", many)), Err(Beyond::Backends(2)));
}

#[test]
fn news_is_what_turns() {
    let reports = Arc::new(Reports::default());
    let stream = reports.open(&message("one", vec![])).unwrap();
    let turns = |backends| {
        let turns = stream.told(message("", backends)).unwrap();
        turns.into_iter().map(|turn| (turn.resource.to_string(), turn.well, turn.unhealthy)).collect::<Vec<_>>()
    };
    assert_eq!(turns(vec![health("a", 2, 0), health("b", 1, 1)]), [("b".to_owned(), 1, 1)]);
    assert_eq!(turns(vec![health("a", 2, 0), health("b", 1, 1)]), [], "as before");
    assert_eq!(turns(vec![health("a", 1, 1), health("b", 2, 0)]), [("a".to_owned(), 1, 1), ("b".to_owned(), 2, 0)]);
}

#[test]
fn a_proxy_that_has_two_streams_for_a_moment_is_one() {
    let reports = Arc::new(Reports::default());
    let old = reports.open(&message("one", vec![])).unwrap();
    old.told(message("", vec![health("a", 1, 0), health("b", 1, 0)])).unwrap();
    let new = reports.open(&message("one", vec![])).unwrap();
    new.told(message("", vec![health("a", 0, 1)])).unwrap();
    let count = |healthy, unhealthy| Count { healthy, degraded: 0, unhealthy };
    assert_eq!(reports.counts(), [("a".into(), count(0, 1)), ("b".into(), count(1, 0))].into());
    assert_eq!(reports.of("a").iter().map(|(_, health)| health.unhealthy).collect::<Vec<_>>(), [1]);
    drop(old);
    assert!(reports.of("b").is_empty());
}

/// What one control plane would tell the others, as they hear it.
fn told(reports: &Reports) -> backstay_store::replicas::Words {
    let words = reports.lock().words();
    let words = words.into_iter().filter_map(|(name, word)| Some((name, word?))).collect();
    [("other".into(), words)].into()
}

#[test]
fn what_is_reported_to_one_control_plane_the_others_know_until_it_goes() {
    let (here, there) = (Arc::new(Reports::default()), Reports::default());
    let stream = here.open(&message("one", vec![])).unwrap();
    stream.told(message("", vec![health("before", 1, 0)])).unwrap();
    assert!(here.lock().words().is_empty(), "nobody is told while there is nobody");
    here.lock().untold.get_or_insert_default();
    stream.told(message("", vec![health("a", 1, 2)])).unwrap();
    there.heard(&told(&here));
    assert_eq!(there.of("a"), here.of("a"));
    assert_eq!(there.of("a")[0].1.unhealthy, 2);
    assert!(there.counts().is_empty(), "whoever adds up counts it once");
    // It is there now: what was heard of it last is older.
    let there = Arc::new(there);
    let moved = there.open(&message("one", vec![])).unwrap();
    moved.told(message("", vec![health("a", 3, 0)])).unwrap();
    assert_eq!(there.of("a").iter().map(|(_, health)| health.healthy).collect::<Vec<_>>(), [3]);
    drop(moved);
    there.heard(&[("other".into(), std::collections::BTreeMap::new())].into());
    assert!(there.of("a").is_empty());
    drop(stream);
    let gone = here.lock().words();
    assert_eq!(gone, [("health/one".to_owned(), None)]);
    assert!(here.lock().words().is_empty(), "it is told once");
}

#[test]
fn what_is_told_has_a_bound_and_the_unhealthy_come_first() {
    let reports = Arc::new(Reports::default());
    reports.lock().untold.get_or_insert_default();
    let streams: Vec<_> = (0..600)
        .map(|number| {
            let stream = reports.open(&message(&format!("n{number:03}"), vec![])).unwrap();
            let many = (0..1200).map(|index| health(&format!("b{index:04}"), 1, u32::from(index == 1199)));
            stream.told(message("", many.take(if number == 0 { 1200 } else { 1 }).collect())).unwrap();
            stream
        })
        .collect();
    let there = Reports::default();
    let mut words = backstay_store::replicas::Words::new();
    for _ in 0..12 {
        let some = told(&reports).remove("other").unwrap_or_default();
        assert!(some.len() <= 50);
        words.entry("other".into()).or_default().extend(some);
    }
    there.heard(&words);
    assert_eq!(there.of("b0000").len(), 500);
    assert_eq!(there.of("b1199")[0].1.unhealthy, 1);
    assert!(there.of("b0999").is_empty() && reports.of("b0999").len() == 1);
    // One that tells often does not keep the others from being told.
    for _ in 0..3 {
        streams[0].told(message("", vec![health("b0000", 2, 0)])).unwrap();
        streams[70].told(message("", vec![health("b0000", 0, 1)])).unwrap();
    }
    let again = told(&reports);
    assert!(again["other"].contains_key("health/n070"), "{:?}", again["other"].keys());
}

#[test]
fn a_relay_reports_the_sum() {
    let reports = Arc::new(Reports::default());
    let (one, two) = (reports.open(&message("one", vec![])).unwrap(), reports.open(&message("two", vec![])).unwrap());
    one.told(message("", vec![health("a", 1, 0), health("b", 0, 2)])).unwrap();
    two.told(message("", vec![health("a", 0, 1), health("b", 0, 2)])).unwrap();
    let sums: Vec<_> =
        reports.sum().into_iter().map(|sum| (sum.backend, sum.healthy, sum.unhealthy, sum.reason)).collect();
    let expected = [("a", 1, 1, "proxy two: down"), ("b", 0, 4, "proxy one: down")];
    assert_eq!(
        sums,
        expected.map(|(name, healthy, unhealthy, why)| (name.to_owned(), healthy, unhealthy, why.to_owned()))
    );
}

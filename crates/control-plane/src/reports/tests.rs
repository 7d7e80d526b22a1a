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

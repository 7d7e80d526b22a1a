//! What proxies have not answered, and since when.

use std::time::{Duration, Instant};

use super::super::{InFlight, Place};
use super::*;

/// A response of these resources, sent at this second.
pub(super) fn response(stream: u64, type_url: &str, second: i64, resources: &[&str]) -> InFlight {
    InFlight {
        place: place(stream, type_url),
        at: Instant::now(),
        since: Timestamp::from_second(second),
        resources: resources.iter().map(|resource| (name(resource), name("v1"))).collect(),
        removed: [].into(),
    }
}

fn place(stream: u64, type_url: &str) -> Place {
    Place { stream: StreamId(stream), type_url: name(type_url) }
}

fn connected() -> Tracker {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    tracker.take_dirty_fleets();
    tracker
}

fn answer(tracker: &mut Tracker, later: Instant) -> Option<Duration> {
    tracker.answered(StreamId(1), &name(TYPE), &place(1, TYPE), later)
}

fn is_told(tracker: &mut Tracker, second: i64) -> bool {
    tracker.has_dirty_fleets(Timestamp::from_second(second)) && tracker.take_dirty_fleets().contains(EDGE)
}

#[test]
fn what_is_pending_is_what_was_sent_last_and_an_answer_tells_how_long_it_took() {
    let mut tracker = connected();
    tracker.sent(StreamId(1), &name(TYPE), response(1, TYPE, 0, &["one", "two", "three"]));
    let last = response(1, TYPE, 0, &["one", "two"]);
    let later = last.at + Duration::from_secs(3);
    tracker.sent(StreamId(1), &name(TYPE), last);
    assert_eq!(tracker.stream(StreamId(1)).unwrap().pending(), 2);
    assert_eq!(tracker.stream(StreamId(1)).unwrap().lag(later), Some(Duration::from_secs(3)));
    assert_eq!(answer(&mut tracker, later), Some(Duration::from_secs(3)));
    assert_eq!(tracker.stream(StreamId(1)).unwrap().pending(), 0);
    assert_eq!(tracker.stream(StreamId(1)).unwrap().lag(later), None);
    assert_eq!(answer(&mut tracker, later), None, "it was answered before");
}

#[test]
fn a_status_tells_of_who_takes_long_once_and_when_it_has_answered() {
    let mut tracker = connected();
    tracker.sent(StreamId(1), &name(TYPE), response(1, TYPE, 100, &["one"]));
    assert_eq!(tracker.next_due(), Some(Timestamp::from_second(105)));
    assert!(!is_told(&mut tracker, 104), "most answer at once");
    assert_eq!(tracker.stream(StreamId(1)).unwrap().pending_since(), Some(Timestamp::from_second(100)));
    assert_eq!(tracker.stream(StreamId(1)).unwrap().late_since(), None);
    assert!(is_told(&mut tracker, 105));
    assert_eq!(tracker.stream(StreamId(1)).unwrap().late_since(), Some(Timestamp::from_second(100)));
    assert_eq!(tracker.next_due(), None, "there is nothing more to be told before it answers");
    assert!(!is_told(&mut tracker, 1000));
    answer(&mut tracker, Instant::now());
    assert!(is_told(&mut tracker, 1000));
    assert_eq!(tracker.stream(StreamId(1)).unwrap().late_since(), None);
}

#[test]
fn who_answers_in_time_has_no_status_written() {
    let mut tracker = connected();
    for second in 100..200 {
        tracker.sent(StreamId(1), &name(TYPE), response(1, TYPE, second, &["one"]));
        assert!(!is_told(&mut tracker, second));
        answer(&mut tracker, Instant::now());
        assert!(!is_told(&mut tracker, second));
    }
}

#[test]
fn one_type_that_is_answered_does_not_answer_for_another() {
    let mut tracker = connected();
    tracker.sent(StreamId(1), &name(TYPE), response(1, "cluster", 0, &["one"]));
    tracker.sent(StreamId(1), &name(TYPE), response(2, "listener", 0, &["two"]));
    tracker.answered(StreamId(1), &name(TYPE), &place(1, "cluster"), Instant::now());
    assert_eq!(tracker.stream(StreamId(1)).unwrap().pending(), 1);
    assert!(is_told(&mut tracker, 10));
    tracker.let_go(StreamId(1), StreamId(2));
    assert_eq!(tracker.stream(StreamId(1)).unwrap().pending(), 0, "nobody will answer on a stream that has ended");
    assert!(is_told(&mut tracker, 10));
    tracker.sent(StreamId(1), &name(TYPE), response(1, "cluster", 0, &["one"]));
    tracker.abandoned(StreamId(1), &place(1, "cluster"));
    assert_eq!(tracker.stream(StreamId(1)).unwrap().pending(), 0, "who begins anew does not answer what was before");
}

#[test]
fn each_resource_tells_which_version_is_not_answered_for() {
    let mut tracker = connected();
    change(&mut tracker, "api", 1, 10);
    change(&mut tracker, "web", 1, 10);
    tracker.sent(StreamId(1), &name(TYPE), response(1, TYPE, 7, &["backend/api"]));
    let stream = tracker.stream(StreamId(1)).unwrap();
    let held = tracker.held_by(stream);
    let mut sent: Vec<_> =
        held.map(|held| (&**held.name, held.sent.map(|sent| (&**sent.version, sent.since)))).collect();
    sent.sort();
    assert_eq!(sent, [("backend/api", Some(("v1", Timestamp::from_second(7)))), ("backend/web", None)]);
}

#[test]
fn a_fleet_lags_as_long_as_the_slowest_of_its_proxies() {
    let mut tracker = connected();
    tracker.opened(StreamId(2), stream("b"));
    tracker.opened(StreamId(3), stream("c"));
    let (first, second) = (response(1, TYPE, 0, &["one"]), response(2, TYPE, 0, &["one"]));
    let now = first.at + Duration::from_secs(60);
    let slow = InFlight { at: now - Duration::from_secs(40), ..second };
    tracker.sent(StreamId(1), &name(TYPE), InFlight { at: now - Duration::from_secs(2), ..first });
    tracker.sent(StreamId(2), &name(TYPE), slow);
    assert_eq!(tracker.lags(now), [(name(EDGE), (2, Duration::from_secs(40)))].into());
    tracker.closed(StreamId(2));
    assert_eq!(tracker.lags(now), [(name(EDGE), (1, Duration::from_secs(2)))].into());
}

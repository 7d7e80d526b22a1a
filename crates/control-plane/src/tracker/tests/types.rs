//! Types of resources, each of which is acknowledged for itself.

use super::*;

/// What `backend` needs as this type changed at `revision`.
fn change_as(tracker: &mut Tracker, type_url: &str, backend: &str, revision: u64) {
    let resource = name(&format!("backend/{backend}"));
    tracker.published(&name(EDGE), &name(type_url), revision, &[put(&resource)]);
    tracker.reported(ObjectStatus {
        key: key(backend),
        generation: 1,
        report: Report::of(Vec::new()).into(),
        programs: vec![(name(EDGE), resource)],
    });
}

fn pending(nobody: bool) -> Programmed {
    Programmed::Pending { fleets: EDGE.into(), nobody }
}

const CLUSTER: &str = "cluster";
const LISTENER: &str = "listener";

#[test]
fn who_acknowledges_one_type_does_not_hold_the_others() {
    let mut tracker = Tracker::default();
    let types = [CLUSTER, LISTENER].map(|type_url| (name(type_url), Subscription::default()));
    tracker.opened(StreamId(1), Stream { types: types.into(), ..stream("a") });
    change_as(&mut tracker, CLUSTER, "api", 10);
    change_as(&mut tracker, LISTENER, "web", 10);
    tracker.synchronised(StreamId(1), &name(CLUSTER), 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
    assert_eq!(programmed(&tracker, "web"), pending(false));
    tracker.synchronised(StreamId(1), &name(LISTENER), 10);
    assert_eq!(programmed(&tracker, "web"), Programmed::Yes);
}

#[test]
fn a_type_that_nobody_asks_for_is_held_by_nobody_and_waited_for_by_nobody() {
    let mut tracker = Tracker::default();
    let types = [(name(CLUSTER), Subscription::default())];
    tracker.opened(StreamId(1), Stream { types: types.into(), ..stream("a") });
    change_as(&mut tracker, LISTENER, "web", 10);
    tracker.synchronised(StreamId(1), &name(CLUSTER), 12);
    assert_eq!(programmed(&tracker, "web"), pending(true), "a proxy is connected, but none that would have it");

    // The same resource in the form of another kind of proxy, of which none is connected.
    change_as(&mut tracker, CLUSTER, "api", 13);
    change_as(&mut tracker, "other form of a cluster", "api", 13);
    tracker.synchronised(StreamId(1), &name(CLUSTER), 13);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn a_type_that_a_stream_asks_for_later_is_waited_for_from_then_on() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    tracker.sent(StreamId(1), &name(LISTENER), super::pending::response(1, LISTENER, 0, &["web"]));
    change_as(&mut tracker, LISTENER, "web", 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    assert_eq!(programmed(&tracker, "web"), pending(false));
    tracker.synchronised(StreamId(1), &name(LISTENER), 10);
    assert_eq!(programmed(&tracker, "web"), Programmed::Yes);
    tracker.closed(StreamId(1));
    change_as(&mut tracker, LISTENER, "new", 11);
    assert_eq!(programmed(&tracker, "new"), pending(true), "it went with all its types");
}

#[test]
fn accepting_a_name_as_one_type_takes_back_no_refusal_of_it_as_another() {
    let mut tracker = Tracker::default();
    let types = [CLUSTER, LISTENER].map(|type_url| (name(type_url), Subscription::default()));
    tracker.opened(StreamId(1), Stream { types: types.into(), ..stream("a") });
    change_as(&mut tracker, CLUSTER, "api", 10);
    change_as(&mut tracker, LISTENER, "api", 10);
    let refusal = Refusal { version: name("v"), field: String::new(), message: "no".to_owned() };
    let resource = name("backend/api");
    tracker.refused(StreamId(1), &name(LISTENER), resource.clone(), refusal);
    tracker.accepted(StreamId(1), &name(CLUSTER), [resource.clone()].iter());
    for type_url in [CLUSTER, LISTENER] {
        tracker.synchronised(StreamId(1), &name(type_url), 10);
    }
    let Programmed::Refused { message } = programmed(&tracker, "api") else { panic!("it is refused") };
    assert_eq!(message, "proxy a refused backend/api: no");
    tracker.accepted(StreamId(1), &name(LISTENER), [resource].iter());
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

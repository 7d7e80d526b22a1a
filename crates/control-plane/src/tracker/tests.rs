mod derived;
mod moves;
mod pending;
mod types;

use std::sync::Arc;

use backstay_compiler::{Condition, ObjectKey, ObjectStatus, Report};
use backstay_resources::{ConditionStatus, Timestamp, apoxy};
use backstay_xds::server::StreamId;
use backstay_xds::{Resource, ResourceChange};
use bytes::Bytes;

use super::{Acknowledged, Programmed, Refusal, Stream, Subscription, Tracker};

const EDGE: &str = "edge";

/// The type of all resources, where nothing else is said.
const TYPE: &str = "resource";

fn name(resource: &str) -> Arc<str> {
    resource.into()
}

fn put(resource: &Arc<str>) -> ResourceChange {
    ResourceChange::Put(Resource::new(resource.clone(), Bytes::new()))
}

fn key(backend: &str) -> ObjectKey {
    ObjectKey { kind: &apoxy::BACKEND, namespace: "".into(), name: backend.into() }
}

fn stream(node: &str) -> Stream {
    Stream {
        fleet: name(EDGE),
        node_id: node.to_owned(),
        address: "127.0.0.1:1".to_owned(),
        version: "0".to_owned(),
        connected: Timestamp::from_second(0),
        replica: None,
        types: [(name(TYPE), Subscription::default())].into(),
    }
}

/// `backend/NAME` changed at `revision`, and NAME was compiled from `generation`.
fn change(tracker: &mut Tracker, backend: &str, generation: i64, revision: u64) {
    let resource = name(&format!("backend/{backend}"));
    tracker.published(&name(EDGE), &name(TYPE), revision, &[put(&resource)]);
    tracker.reported(ObjectStatus {
        key: key(backend),
        generation,
        report: Report::of(Vec::new()).into(),
        programs: vec![(name(EDGE), resource)],
    });
}

fn programmed(tracker: &Tracker, backend: &str) -> Programmed {
    let tracked = tracker.object(&key(backend)).expect("a tracked object");
    tracker.programmed(tracked, &tracked.status.programs)
}

/// What a status tells of `backend` when this generation of it has been acknowledged.
fn told(backend: &str, generation: i64) -> Acknowledged {
    let mut tracker = Tracker::default();
    change(&mut tracker, backend, generation, 1);
    let version = tracker.version(tracker.object(&key(backend)).expect("a tracked object"));
    Acknowledged { generation, version }
}

fn refuse(tracker: &mut Tracker, id: u64, resource: &str) {
    let refusal = Refusal { version: name("v"), field: "tls".to_owned(), message: "no such secret".to_owned() };
    tracker.refused(StreamId(id), &name(TYPE), name(resource), refusal);
}

#[test]
fn waits_for_every_connected_proxy() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    tracker.opened(StreamId(2), stream("b"));
    change(&mut tracker, "api", 1, 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: false });

    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: false });

    tracker.take_dirty(Timestamp::from_second(0));
    tracker.synchronised(StreamId(2), &name(TYPE), 12);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
    assert!(tracker.take_dirty(Timestamp::from_second(0)).contains(&key("api")), "its status must be written");
}

#[test]
fn says_that_nobody_is_connected() {
    let mut tracker = Tracker::default();
    change(&mut tracker, "api", 1, 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: true });
}

#[test]
fn the_slowest_proxy_leaving_settles_what_waited_for_it() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    tracker.opened(StreamId(2), stream("b"));
    change(&mut tracker, "api", 1, 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    tracker.closed(StreamId(2));
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn a_proxy_that_comes_later_takes_nothing_back() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    tracker.opened(StreamId(2), stream("b"));
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn a_new_generation_waits_again() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    change(&mut tracker, "api", 2, 11);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: false });
    tracker.synchronised(StreamId(1), &name(TYPE), 11);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn a_refusal_speaks_with_the_proxys_own_words_and_touches_no_other_object() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    change(&mut tracker, "web", 1, 10);
    tracker.take_dirty(Timestamp::from_second(0));
    refuse(&mut tracker, 1, "backend/api");
    tracker.synchronised(StreamId(1), &name(TYPE), 10);

    let Programmed::Refused { message } = programmed(&tracker, "api") else { panic!("it is refused") };
    assert_eq!(message, "proxy a refused backend/api: tls: no such secret");
    assert_eq!(programmed(&tracker, "web"), Programmed::Yes);

    tracker.accepted(StreamId(1), &name(TYPE), [name("backend/api")].iter());
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
    assert!(tracker.take_dirty(Timestamp::from_second(0)).contains(&key("api")));
}

#[test]
fn a_refusal_goes_with_the_proxy() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    refuse(&mut tracker, 1, "backend/api");
    tracker.take_dirty(Timestamp::from_second(0));
    tracker.closed(StreamId(1));
    assert!(tracker.take_dirty(Timestamp::from_second(0)).contains(&key("api")));
    assert!(!matches!(programmed(&tracker, "api"), Programmed::Refused { .. }));
}

#[test]
fn what_nothing_uses_is_unused() {
    let mut tracker = Tracker::default();
    tracker.reported(ObjectStatus {
        key: key("api"),
        generation: 1,
        report: Report::of(Vec::new()).into(),
        programs: Vec::new(),
    });
    assert_eq!(programmed(&tracker, "api"), Programmed::Unused);
}

#[test]
fn an_object_made_anew_inherits_nothing() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    tracker.created(key("api"), 10);
    change(&mut tracker, "api", 1, 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);

    // Deleted and created again between two looks: its first generation is not the one that was acknowledged.
    tracker.created(key("api"), 12);
    assert!(tracker.object(&key("api")).is_none(), "nothing is known of it");
    assert_eq!(tracker.creation(&key("api")), Some(12));
    change(&mut tracker, "api", 1, 12);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: false });
    tracker.synchronised(StreamId(1), &name(TYPE), 12);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn what_was_acknowledged_before_a_restart_stays_so_until_the_next_generation() {
    let mut tracker = Tracker::default();
    tracker.acknowledged_before(key("api"), told("api", 3));
    change(&mut tracker, "api", 3, 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
    change(&mut tracker, "api", 4, 11);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: true });

    tracker.acknowledged_before(key("web"), told("web", 1));
    change(&mut tracker, "web", 2, 10);
    assert_ne!(programmed(&tracker, "web"), Programmed::Yes, "another generation was acknowledged");

    tracker.acknowledged_before(key("dns"), Acknowledged { version: "other".to_owned(), ..told("dns", 1) });
    change(&mut tracker, "dns", 1, 10);
    assert_ne!(programmed(&tracker, "dns"), Programmed::Yes, "it was acknowledged without its present policy");
}

#[test]
fn a_fleet_without_proxies_keeps_nobody_waiting() {
    const OTHER: &str = "other";
    let report = |tracker: &mut Tracker, generation: i64, revision: u64| {
        let resource = name("backend/api");
        for fleet in [EDGE, OTHER] {
            tracker.published(&name(fleet), &name(TYPE), revision, &[put(&resource)]);
        }
        tracker.reported(ObjectStatus {
            key: key("api"),
            generation,
            report: Report::of(Vec::new()).into(),
            programs: vec![(name(EDGE), resource.clone()), (name(OTHER), resource)],
        });
    };
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    report(&mut tracker, 1, 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);

    // A proxy of the other fleet is waited for while it is connected.
    tracker.opened(StreamId(2), Stream { fleet: name(OTHER), ..stream("b") });
    report(&mut tracker, 2, 11);
    tracker.synchronised(StreamId(1), &name(TYPE), 11);
    assert!(matches!(programmed(&tracker, "api"), Programmed::Pending { .. }));
    tracker.take_dirty(Timestamp::from_second(0));
    tracker.closed(StreamId(2));
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
    assert!(tracker.take_dirty(Timestamp::from_second(0)).contains(&key("api")), "its status must be written");

    // With no proxy at all nothing is programmed.
    tracker.closed(StreamId(1));
    report(&mut tracker, 3, 12);
    assert!(matches!(programmed(&tracker, "api"), Programmed::Pending { nobody: true, .. }));
}

/// The resource of a Backend changed for another reason than the Backend itself.
fn change_resource(tracker: &mut Tracker, backend: &str, revision: u64) {
    let resource = name(&format!("backend/{backend}"));
    tracker.published(&name(EDGE), &name(TYPE), revision, &[put(&resource)]);
}

#[test]
fn a_backend_waits_again_when_its_policy_changes() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    change(&mut tracker, "web", 1, 10);
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    tracker.take_dirty(Timestamp::from_second(0));
    change_resource(&mut tracker, "api", 11);
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: false });
    assert_eq!(programmed(&tracker, "web"), Programmed::Yes);
    assert_eq!(tracker.take_dirty(Timestamp::from_second(0)), [key("api")].into());
    tracker.synchronised(StreamId(1), &name(TYPE), 11);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn a_refusal_is_no_acknowledgement_when_its_proxy_has_gone() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    refuse(&mut tracker, 1, "backend/api");
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    tracker.closed(StreamId(1));
    assert_eq!(programmed(&tracker, "api"), Programmed::Pending { fleets: EDGE.into(), nobody: true });
    // One that honours it decides.
    tracker.opened(StreamId(2), stream("b"));
    tracker.synchronised(StreamId(2), &name(TYPE), 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
}

#[test]
fn a_status_that_changes_by_itself_is_looked_at_in_time() {
    let mut tracker = Tracker::default();
    let since = Some(Timestamp::from_second(100));
    let finding = Condition {
        kind: "CertificateExpired",
        status: ConditionStatus::True,
        reason: "Expired",
        message: String::new(),
        since,
        until: None,
    };
    tracker.reported(ObjectStatus {
        key: key("api"),
        generation: 1,
        report: Report::of(vec![finding]).into(),
        programs: Vec::new(),
    });
    tracker.take_dirty(Timestamp::from_second(0));
    assert_eq!(tracker.next_due(), since);
    assert!(tracker.take_dirty(Timestamp::from_second(99)).is_empty());
    assert_eq!(tracker.take_dirty(Timestamp::from_second(100)), [key("api")].into());
    assert_eq!(tracker.next_due(), None);
}

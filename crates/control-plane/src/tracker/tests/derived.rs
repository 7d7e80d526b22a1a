use super::*;

/// What is made of [`TYPE`] for proxies of another kind.
const VIEW: &str = "view";

fn viewer(tracker: &mut Tracker, id: u64) {
    let types = [(name(VIEW), Subscription::default())].into();
    tracker.opened(StreamId(id), Stream { types, ..stream("envoy") });
}

#[test]
fn whoever_takes_what_is_made_of_a_type_is_waited_for_as_well() {
    let mut tracker = Tracker::default();
    change(&mut tracker, "a", 1, 1);
    assert_eq!(programmed(&tracker, "a"), Programmed::Pending { fleets: EDGE.to_owned(), nobody: true });
    tracker.derived(&name(EDGE), &name(TYPE), &name(VIEW));
    viewer(&mut tracker, 1);
    tracker.opened(StreamId(2), stream("own"));
    tracker.synchronised(StreamId(2), &name(TYPE), 1);
    assert_eq!(programmed(&tracker, "a"), Programmed::Pending { fleets: EDGE.to_owned(), nobody: false });
    tracker.synchronised(StreamId(1), &name(VIEW), 1);
    assert_eq!(programmed(&tracker, "a"), Programmed::Yes);

    // A change is one of both.
    change(&mut tracker, "a", 2, 2);
    tracker.synchronised(StreamId(2), &name(TYPE), 2);
    assert_eq!(programmed(&tracker, "a"), Programmed::Pending { fleets: EDGE.to_owned(), nobody: false });
    tracker.closed(StreamId(1));
    tracker.not_derived(&name(EDGE), &name(VIEW));
    assert_eq!(programmed(&tracker, "a"), Programmed::Yes);
}

#[test]
fn what_is_made_of_a_type_takes_back_nothing_that_was_acknowledged() {
    let mut tracker = Tracker::default();
    change(&mut tracker, "a", 1, 1);
    tracker.opened(StreamId(1), stream("own"));
    tracker.synchronised(StreamId(1), &name(TYPE), 1);
    let version = tracker.version(tracker.object(&key("a")).expect("a tracked object"));
    tracker.derived(&name(EDGE), &name(TYPE), &name(VIEW));
    viewer(&mut tracker, 2);
    assert_eq!(programmed(&tracker, "a"), Programmed::Yes);
    assert_eq!(tracker.version(tracker.object(&key("a")).expect("a tracked object")), version);
    assert_eq!(tracker.streams_of(EDGE, VIEW), [StreamId(2)]);
}

//! Proxies that make another stream before they leave one.

use super::*;

#[test]
fn a_proxy_that_makes_another_stream_before_it_leaves_the_first_stays_as_it_is() {
    let mut tracker = Tracker::default();
    tracker.opened(StreamId(1), stream("a"));
    change(&mut tracker, "api", 1, 10);
    refuse(&mut tracker, 1, "backend/api");
    tracker.synchronised(StreamId(1), &name(TYPE), 10);
    let refused = programmed(&tracker, "api");
    assert!(matches!(refused, Programmed::Refused { .. }));
    let later = Stream { connected: Timestamp::from_second(9), ..stream("a") };
    tracker.opened(StreamId(2), later);
    assert!(tracker.has_another(StreamId(1)) && tracker.has_another(StreamId(2)));
    let proxies = tracker.proxies(EDGE);
    let [proxy] = &proxies[..] else { panic!("it is one proxy") };
    assert_eq!((proxy.connected, proxy.refused().count()), (Timestamp::from_second(0), 1));
    assert_eq!(programmed(&tracker, "api"), refused, "and it refuses what it has refused");
    tracker.closed(StreamId(1));
    assert!(!tracker.has_another(StreamId(2)));
    assert_eq!(programmed(&tracker, "api"), refused);
    // Asked again, it refuses no more.
    tracker.synchronised(StreamId(2), &name(TYPE), 10);
    assert_eq!(programmed(&tracker, "api"), Programmed::Yes);
    tracker.closed(StreamId(2));
    assert!(tracker.proxies(EDGE).is_empty());
}

use backstay_balancer::{CallEnd, CircuitState};
use backstay_proto::config::{AnswerCache, Breaker, Call, RateLimit};
use prost_types::Duration as Span;

use super::*;

fn checked(key: &str, max_errors: u32) -> Arc<model::Passage> {
    let second = Some(Span { seconds: 1, nanos: 0 });
    let call = Call {
        breaker: Some(Breaker { key: key.into(), max_errors, timeout: second, ..Breaker::default() }),
        rate_limit: Some(RateLimit { key: key.into(), rate: 1.0, every: second, capacity: 1 }),
        cache: Some(AnswerCache { key: key.into(), max_bytes: 4096, max_items: 0 }),
        ..Call::default()
    };
    model::Passage::of(&call).expect("it is sound").expect("it has something")
}

#[test]
fn what_has_not_changed_counts_on() {
    let passages = Passages::new(1 << 20, Arc::default(), Arc::new(Registry::new(8, Arc::default())));
    let before = passages.join(&checked("a", 0));
    let circuit = before.circuit.as_ref().expect("it has one");
    let permit = circuit.begin(before.now()).0.expect("it is closed");
    circuit.end(permit, CallEnd::Failure, before.now());
    assert!(before.bucket.as_ref().expect("it has one").take(before.now()));

    let after = passages.join(&checked("a", 0));
    assert_eq!(after.circuit.as_ref().expect("it has one").state(), CircuitState::Open);
    assert!(Arc::ptr_eq(before.bucket.as_ref().expect("it has one"), after.bucket.as_ref().expect("it has one")));
    assert!(Arc::ptr_eq(before.cache.as_ref().expect("it has one"), after.cache.as_ref().expect("it has one")));

    let of_others = [passages.join(&checked("b", 0)), passages.join(&checked("a", 1))];
    for other in of_others {
        assert_eq!(other.circuit.as_ref().expect("it has one").state(), CircuitState::Closed);
    }
    drop((before, after));
    let anew = passages.join(&checked("a", 0));
    assert_eq!(anew.circuit.as_ref().expect("it has one").state(), CircuitState::Closed, "nobody had it any more");
}

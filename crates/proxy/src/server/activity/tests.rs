use super::*;

#[test]
fn a_connection_owes_a_head_until_its_first_request() {
    let activity = Activity::new();
    let first = activity.mark();
    assert_eq!(first.0, Phase::Head);
    activity.read();
    assert_eq!(activity.mark(), first, "bytes of a head buy no time");
    activity.enter();
    assert_eq!(activity.mark().0, Phase::Busy);
    activity.leave();
    assert_eq!(activity.mark().0, Phase::Idle);
    activity.read();
    assert_eq!(activity.mark().0, Phase::Head);
}

#[test]
fn bytes_count_as_progress_only_while_a_request_is_in_flight() {
    let activity = Activity::new();
    activity.enter();
    let before = activity.mark();
    activity.beat();
    assert_ne!(activity.mark(), before);
    activity.leave();
    let idle = activity.mark();
    activity.beat();
    assert_eq!(activity.mark(), idle);
}

#[test]
fn frames_between_requests_of_http2_are_no_head() {
    let activity = Activity::new();
    activity.multiplexes();
    activity.read();
    assert_eq!(activity.mark().0, Phase::Idle);
    activity.enter();
    activity.enter();
    activity.leave();
    assert_eq!(activity.mark().0, Phase::Busy);
}

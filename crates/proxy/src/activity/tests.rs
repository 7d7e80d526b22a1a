use super::*;

const NOW: Duration = Duration::ZERO;

#[test]
fn a_connection_owes_a_head_until_its_first_request() {
    let activity = Activity::new();
    let first = activity.progress(NOW);
    assert_eq!(first.0, Phase::Head);
    activity.read();
    assert_eq!(activity.progress(NOW), first, "bytes of a head buy no time");
    activity.enter();
    assert_eq!(activity.progress(NOW).0, Phase::Busy);
    activity.leave();
    assert_eq!(activity.progress(NOW).0, Phase::Idle);
    activity.read();
    assert_eq!(activity.progress(NOW).0, Phase::Head);
}

#[test]
fn bytes_count_as_progress_only_while_a_request_is_in_flight() {
    let activity = Activity::new();
    activity.enter();
    let before = activity.progress(NOW);
    activity.moved();
    assert_ne!(activity.progress(NOW), before);
    activity.leave();
    let idle = activity.progress(NOW);
    activity.moved();
    assert_eq!(activity.progress(NOW), idle);
}

#[test]
fn frames_between_requests_of_http2_are_no_head() {
    let activity = Activity::new();
    activity.multiplexes();
    activity.read();
    assert_eq!(activity.progress(NOW).0, Phase::Idle);
    activity.enter();
    activity.enter();
    activity.leave();
    assert_eq!(activity.progress(NOW).0, Phase::Busy);
}

#[test]
fn an_answer_has_its_time_whatever_moves() {
    let activity = Activity::new();
    activity.enter();
    activity.end_by(Some(Instant::now() + Duration::from_secs(60)));
    let later = |seconds| uptime() + Duration::from_secs(seconds);
    activity.moved();
    assert_eq!((activity.progress(later(59)).0, activity.progress(later(61)).0), (Phase::Busy, Phase::Late));
    activity.leave();
    activity.enter();
    assert_eq!(activity.progress(later(61)).0, Phase::Busy, "the next one has its own");
}

#[test]
fn an_answer_is_not_late_before_its_time() {
    for micros in [0, 1, 400, 999] {
        let activity = Activity::new();
        activity.enter();
        let (uptime, timeout) = (uptime(), Duration::from_millis(1000) + Duration::from_micros(micros));
        activity.end_by(Some(Instant::now() + timeout));
        assert_eq!(activity.progress(uptime + timeout - Duration::from_nanos(1)).0, Phase::Busy, "{micros}");
        assert_eq!(activity.progress(uptime + timeout + Duration::from_secs(1)).0, Phase::Late);
    }
}

#[test]
fn what_a_connection_is_cut_for_is_why_its_request_ends() {
    for (phase, cause) in [(Phase::Late, Cause::Deadline), (Phase::Busy, Cause::Still)] {
        let activity = Activity::new();
        activity.enter();
        activity.cut(phase);
        // The client cannot leave once more.
        activity.cause().set(Cause::Client);
        assert_eq!(activity.cause().get(), Some(cause));
        activity.leave();
        activity.enter();
        assert_eq!(activity.cause().get(), None, "the next request has no part in it");
    }
}

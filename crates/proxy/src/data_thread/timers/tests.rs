use std::future::poll_fn;
use std::time::Duration;

use super::*;

fn timers() -> Rc<Timers> {
    Rc::default()
}

/// What it says when it is looked at for a moment.
async fn look(timer: &mut Timer) -> bool {
    poll_fn(|cx| Poll::Ready(timer.poll(cx).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn a_timer_goes_off_when_its_time_has_come_whoever_had_it_before() {
    let (timers, begin) = (timers(), Instant::now());
    let in_seconds = |seconds| begin + Duration::from_secs(seconds);
    for (before, after) in [(10, 20), (20, 10), (10, 10)] {
        let mut timer = timers.lend(Instant::now() + Duration::from_secs(before));
        assert!(!look(&mut timer).await);
        drop(timer);
        let due = Instant::now() + Duration::from_secs(after);
        let mut timer = timers.lend(due);
        poll_fn(|cx| timer.poll(cx)).await;
        assert_eq!(Instant::now(), due, "{before} s, then {after} s");
    }
    assert!(Instant::now() > in_seconds(39));
}

#[tokio::test(start_paused = true)]
async fn one_that_has_gone_off_while_nobody_had_it_is_set_anew() {
    let timers = timers();
    let mut timer = timers.lend(Instant::now() + Duration::from_secs(1));
    assert!(!look(&mut timer).await);
    drop(timer);
    tokio::time::advance(Duration::from_secs(5)).await;
    let due = Instant::now() + Duration::from_secs(1);
    let mut timer = timers.lend(due);
    assert!(!look(&mut timer).await);
    poll_fn(|cx| timer.poll(cx)).await;
    assert_eq!(Instant::now(), due);
}

#[tokio::test(start_paused = true)]
async fn a_time_can_be_put_off_and_brought_forward() {
    let timers = timers();
    let begin = Instant::now();
    let mut timer = timers.lend(begin + Duration::from_secs(5));
    timer.set(begin + Duration::from_secs(9));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(!look(&mut timer).await);
    timer.set(begin + Duration::from_secs(7));
    poll_fn(|cx| timer.poll(cx)).await;
    assert_eq!(Instant::now(), begin + Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_kept_than_may_be() {
    let timers = timers();
    let lent: Vec<_> = (0..2 * KEPT).map(|_| timers.lend(Instant::now() + Duration::from_secs(1))).collect();
    drop(lent);
    assert_eq!(timers.0.borrow().len(), KEPT);
}

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::race;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Runs attempts that each take a time to succeed or fail; says who won or failed last, when, when each began, and how many
/// were dropped before their end.
async fn run(attempts: &[(u64, bool)]) -> (Result<usize, Option<usize>>, Duration, Vec<Duration>, usize) {
    let start = Instant::now();
    let (begun, ended) = (RefCell::new(Vec::new()), RefCell::new(0));
    let attempts = attempts.iter().enumerate().map(|(index, (time, succeeds))| {
        let (begun, ended) = (&begun, &ended);
        async move {
            begun.borrow_mut().push(start.elapsed());
            sleep(ms(*time)).await;
            *ended.borrow_mut() += 1;
            if *succeeds { Ok(index) } else { Err(index) }
        }
    });
    let won = race(attempts).await;
    let dropped = begun.borrow().len() - *ended.borrow();
    (won, start.elapsed(), begun.into_inner(), dropped)
}

#[tokio::test(start_paused = true)]
async fn the_first_that_connects_in_time_is_tried_alone() {
    assert_eq!(run(&[(299, true), (0, true)]).await, (Ok(0), ms(299), vec![ms(0)], 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_begins_the_next_at_once() {
    let begun = vec![ms(0), ms(10), ms(30)];
    assert_eq!(run(&[(10, false), (20, false), (5, true)]).await, (Ok(2), ms(35), begun, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_mute_costs_the_delay_and_is_dropped() {
    let begun = vec![ms(0), ms(300)];
    assert_eq!(run(&[(1_000_000, true), (20, true)]).await, (Ok(1), ms(320), begun, 1));
    let begun = vec![ms(0), ms(300), ms(600)];
    assert_eq!(run(&[(1_000_000, true), (1_000_000, true), (20, true)]).await, (Ok(2), ms(620), begun, 2));
}

#[tokio::test(start_paused = true)]
async fn the_slow_one_may_still_win() {
    assert_eq!(run(&[(400, true), (200, true)]).await, (Ok(0), ms(400), vec![ms(0), ms(300)], 1));
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_last_error_is_told() {
    assert_eq!(run(&[(1000, false), (20, false)]).await, (Err(Some(0)), ms(1000), vec![ms(0), ms(300)], 0));
    assert_eq!(run(&[(7_200_000, false)]).await.0, Err(Some(0)));
    assert_eq!(run(&[]).await.0, Err(None));
}

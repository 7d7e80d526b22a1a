use std::time::Duration;

use super::*;

fn registered() -> (Arc<Waiters>, Ticket, mpsc::Receiver<Arrival>) {
    let waiters = Arc::new(Waiters::default());
    let (arrivals, arrived) = mpsc::channel(ARRIVALS);
    let ticket = waiters.register(arrivals).unwrap();
    (waiters, ticket, arrived)
}

/// Bytes that come under `id`.
fn message(id: u16) -> Vec<u8> {
    [&id.to_be_bytes()[..], &[0; 10]].concat()
}

#[tokio::test]
async fn what_nobody_asked_for_is_no_sign_of_life() {
    let (waiters, ticket, mut arrived) = registered();
    let began = Instant::now();
    for _ in 0..100 {
        waiters.deliver(&message(ticket.id() ^ 1));
        waiters.deliver(&[]);
    }
    assert!(!waiters.arrived_since(began) && arrived.try_recv().is_err());
    waiters.deliver(&message(ticket.id()));
    assert!(waiters.arrived_since(began));
    assert_eq!(arrived.try_recv().unwrap(), (ticket.id(), Some(message(ticket.id()))));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_too_late_is_one_and_counts_once() {
    let (waiters, ticket, _arrived) = registered();
    let id = ticket.id();
    assert_eq!(waiters.ahead(), 1);
    drop(ticket);
    assert_eq!((waiters.ahead(), waiters.is_empty()), (1, true), "the server may still answer it before others");
    let began = Instant::now();
    waiters.deliver(&message(id));
    assert!(waiters.ahead() == 0 && waiters.arrived_since(began));
    tokio::time::advance(Duration::from_millis(1)).await;
    waiters.deliver(&message(id));
    assert!(!waiters.arrived_since(Instant::now()), "there was one question");
}

#[tokio::test]
async fn a_flood_under_the_right_id_is_cut() {
    let (waiters, ticket, mut arrived) = registered();
    for _ in 0..1000 {
        waiters.deliver(&message(ticket.id()));
    }
    assert_eq!(std::iter::from_fn(|| arrived.try_recv().ok()).count(), ARRIVALS);
}

#[test]
fn ids_are_one_each_and_run_out_before_they_can_be_guessed() {
    let waiters = Arc::new(Waiters::default());
    let (arrivals, _arrived) = mpsc::channel(ARRIVALS);
    let tickets: Vec<_> = std::iter::from_fn(|| waiters.register(arrivals.clone())).collect();
    let ids: std::collections::HashSet<_> = tickets.iter().map(Ticket::id).collect();
    assert!(ids.len() == tickets.len() && ids.len() > 30_000 && ids.len() < 40_000, "{}", ids.len());
    drop(tickets);
    assert!(waiters.register(arrivals).is_some(), "what was given up is free again");
}

#[tokio::test]
async fn who_waits_where_all_ends_is_told_and_nobody_waits_after() {
    let (waiters, ticket, mut arrived) = registered();
    waiters.close();
    assert_eq!(arrived.recv().await, Some((ticket.id(), None)));
    let (arrivals, _arrived) = mpsc::channel(ARRIVALS);
    assert!(waiters.is_closed() && waiters.register(arrivals).is_none());
}

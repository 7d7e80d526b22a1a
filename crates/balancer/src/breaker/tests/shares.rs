//! What threads tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::endpoints;
use crate::{Breakers, Limit, Limits, Overflow, PoolConnection, Share};

/// Counts how often it is rung.
#[derive(Default)]
struct Rung(AtomicU32);

impl Rung {
    fn take(&self) -> bool {
        self.0.swap(0, Ordering::SeqCst) > 0
    }
}

impl Wake for Rung {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn join(breakers: &Arc<Breakers>) -> (Arc<Share>, Arc<Rung>) {
    let rung = Arc::<Rung>::default();
    (Share::join(breakers, Waker::from(Arc::clone(&rung))), rung)
}

#[test]
fn a_place_that_becomes_free_in_one_thread_is_told_to_the_one_that_waits() {
    let limits = Limits { connections: Some(1), ..Limits::default() };
    let (breakers, set) = (Breakers::new(&limits), endpoints());
    let endpoint = set.state(0).unwrap();
    let ((a, rung_a), (b, rung_b)) = (join(&breakers), join(&breakers));
    let held = breakers.connection(endpoint, PoolConnection::Further).unwrap();
    let cause = breakers.connection(endpoint, PoolConnection::Further).unwrap_err();
    let wait = b.wait(Some(cause), endpoint);
    assert!(rung_a.take(), "who may have something that is unused is told");
    rung_b.take();
    assert_eq!((a.waiting(), b.waiting(), a.is_awaited(endpoint)), (0, 1, true));
    drop(held);
    assert_eq!((rung_a.take(), rung_b.take()), (false, true));
    drop(wait);
    assert!(!a.is_awaited(endpoint));
    // Nobody waits: nobody is told.
    drop(breakers.connection(endpoint, PoolConnection::Further).unwrap());
    assert_eq!((rung_a.take(), rung_b.take()), (false, false));
}

#[test]
fn limits_that_are_raised_are_told_to_who_waits() {
    let limits = Limits { connections: Some(1), ..Limits::default() };
    let (breakers, set) = (Breakers::new(&limits), endpoints());
    let endpoint = set.state(0).unwrap();
    let (share, rung) = join(&breakers);
    let _held = breakers.connection(endpoint, PoolConnection::Further).unwrap();
    let _wait = share.wait(Some(Overflow::Connections), endpoint);
    rung.take();
    breakers.set_limits(&Limits { connections: Some(2), ..limits });
    assert!(rung.take());
    assert!(breakers.connection_again(endpoint, PoolConnection::Further).is_ok());
}

#[test]
fn what_is_unused_is_owed_only_where_that_makes_room() {
    let limits = Limits { connections: Some(2), connections_per_endpoint: Some(1), ..Limits::default() };
    let (breakers, set) = (Breakers::new(&limits), endpoints());
    let (one, two) = (set.state(0).unwrap(), set.state(1).unwrap());
    let ((a, _), (b, _)) = (join(&breakers), join(&breakers));
    let held = [
        breakers.connection(one, PoolConnection::First).unwrap(),
        breakers.connection(two, PoolConnection::First).unwrap(),
    ];
    let counted = a.rests(one);
    assert!(!a.owes(one), "nobody waits");
    // Whoever waits for the other endpoint has nothing of it.
    let mut wait = b.wait(Some(Overflow::EndpointConnections), two);
    assert_eq!((a.owes(one), a.owes(two)), (false, false));
    assert!(wait.caused_by(Some(Overflow::Connections)));
    assert!(a.owes(one));
    // More are open than may be: one less would make no room.
    let more = [
        breakers.connection(one, PoolConnection::First).unwrap(),
        breakers.connection(two, PoolConnection::First).unwrap(),
    ];
    assert!(!a.owes(one));
    drop(more);
    a.takes(one, counted);
    assert!(!a.owes(one), "it is used");
    drop((held, wait));
}

#[test]
fn as_many_more_may_wait_as_are_unused() {
    let limits = Limits { connections: Some(2), pending_requests: Some(1), ..Limits::default() };
    let (breakers, set) = (Breakers::new(&limits), endpoints());
    let endpoint = set.state(0).unwrap();
    let ((a, _), (b, _)) = (join(&breakers), join(&breakers));
    let _held = [
        breakers.connection(endpoint, PoolConnection::First).unwrap(),
        breakers.connection(endpoint, PoolConnection::First).unwrap(),
    ];
    let counted = a.rests(endpoint);
    let waits = || b.pending_request(Overflow::Connections, endpoint);
    let two = [waits().unwrap(), waits().unwrap()];
    assert_eq!(waits().unwrap_err(), Overflow::PendingRequests);
    assert_eq!(b.pending_request(Overflow::EndpointConnections, endpoint).unwrap_err(), Overflow::PendingRequests);
    drop(two);
    a.takes(endpoint, counted);
    let _one = waits().unwrap();
    assert_eq!(waits().unwrap_err(), Overflow::PendingRequests);
    assert_eq!(breakers.overflows(Limit::PendingRequests), 3);
}

#[test]
fn a_request_whose_connection_is_being_opened_takes_up_one_limit() {
    let breakers = Breakers::new(&Limits { pending_requests: Some(1), ..Limits::default() });
    let opening = [breakers.opening_request().unwrap(), breakers.opening_request().unwrap()];
    let waiting = breakers.pending_request().unwrap();
    assert_eq!(breakers.active(Limit::PendingRequests), 3, "it is seen as one that waits");
    assert!(breakers.pending_request().is_err());
    drop((opening, waiting));
    assert_eq!(breakers.active(Limit::PendingRequests), 0);
    breakers.set_limits(&Limits { pending_requests: Some(0), ..Limits::default() });
    assert_eq!(breakers.opening_request().unwrap_err(), Overflow::PendingRequests, "nobody may wait at all");
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn no_thread_misses_what_another_gives_back() {
    const TURNS: usize = 5_000;
    for limits in [
        Limits { connections: Some(1), ..Limits::default() },
        Limits { connections_per_endpoint: Some(1), ..Limits::default() },
        Limits { connections: Some(2), connections_per_endpoint: Some(1), ..Limits::default() },
    ] {
        let (breakers, set) = (Breakers::new(&limits), endpoints());
        let (done, ended) = channel();
        for thread in 0..4 {
            let (breakers, set, done) = (Arc::clone(&breakers), Arc::clone(&set), done.clone());
            thread::spawn(move || {
                let share = Share::join(&breakers, Waker::from(Arc::new(Unpark(thread::current()))));
                for turn in 0..TURNS {
                    let endpoint = set.state((turn + thread) % 2).unwrap();
                    let mut wait = None;
                    let held = loop {
                        let cause = match breakers.connection_again(endpoint, PoolConnection::Further) {
                            Ok(held) => break held,
                            Err(cause) => cause,
                        };
                        let Some(wait) = &mut wait else {
                            wait = Some(share.wait(Some(cause), endpoint));
                            continue;
                        };
                        // Where it was known already that this one waits, there has been no room since.
                        if !wait.caused_by(Some(cause)) {
                            thread::park();
                        }
                    };
                    drop(wait);
                    drop(held);
                }
                done.send(()).unwrap();
            });
        }
        for _ in 0..4 {
            assert!(ended.recv_timeout(Duration::from_secs(60)).is_ok(), "a thread waits for ever: {limits:?}");
        }
        assert_eq!(breakers.active(Limit::Connections), 0);
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

mod shares;

use super::{Breakers, Limit, Limits, Overflow, PoolConnection, RetryBudget};
use crate::{EndpointSet, EndpointSpec, Start};

fn endpoints() -> Arc<EndpointSet> {
    EndpointSet::new(vec![EndpointSpec::new("a"), EndpointSpec::new("b")], Start::Usable, Duration::ZERO)
}

const ALL: [Limit; 4] = [Limit::Connections, Limit::PendingRequests, Limit::Requests, Limit::Retries];

#[test]
fn defaults() {
    let breakers = Breakers::new(&Limits::default());
    assert_eq!(ALL.map(|limit| breakers.limit(limit)), [Some(1024), Some(1024), None, Some(3)]);
    assert_eq!(breakers.limit(Limit::EndpointConnections), None);
}

#[test]
fn a_limit_of_zero_lets_nothing_through() {
    let breakers = Breakers::new(&Limits { requests: Some(0), ..Limits::default() });
    assert_eq!(breakers.request().unwrap_err(), Overflow::Requests);
    assert_eq!((breakers.active(Limit::Requests), breakers.overflows(Limit::Requests)), (0, 1));
}

#[test]
fn a_budget_grows_with_the_requests() {
    let budget = Some(RetryBudget::default());
    let breakers = Breakers::new(&Limits { retries: Some(0), retry_budget: budget, ..Limits::default() });
    assert_eq!(breakers.limit(Limit::RetryBudget), Some(3));
    let requests: Vec<_> = (0..15).map(|_| breakers.request().unwrap()).collect();
    let waiting: Vec<_> = (0..10).map(|_| breakers.pending_request().unwrap()).collect();
    assert_eq!(breakers.limit(Limit::RetryBudget), Some(5));
    let retries: Vec<_> = (0..5).map(|_| breakers.retry().unwrap()).collect();
    assert_eq!(breakers.retry().unwrap_err(), Overflow::RetryBudget);
    assert_eq!((breakers.overflows(Limit::RetryBudget), breakers.overflows(Limit::Retries)), (1, 0));
    assert_eq!((breakers.active(Limit::RetryBudget), breakers.limit(Limit::Retries)), (5, None));
    drop((requests, waiting, retries));
    assert_eq!(breakers.limit(Limit::RetryBudget), Some(3));
    let nonsense = Some(RetryBudget { percent: f64::NAN, minimum: 1 });
    breakers.set_limits(&Limits { retry_budget: nonsense, ..Limits::default() });
    assert_eq!(breakers.limit(Limit::RetryBudget), Some(1));
    breakers.set_limits(&Limits::default());
    assert_eq!((breakers.limit(Limit::RetryBudget), breakers.limit(Limit::Retries)), (None, Some(3)));
}

#[test]
fn the_first_connection_of_a_pool_is_let_through() {
    let limits = Limits { connections: Some(2), connections_per_endpoint: Some(1), ..Limits::default() };
    let (breakers, set) = (Breakers::new(&limits), endpoints());
    let (a, b) = (set.state(0).unwrap(), set.state(1).unwrap());
    let first = breakers.connection(a, PoolConnection::Further).unwrap();
    assert_eq!(breakers.connection(a, PoolConnection::Further).unwrap_err(), Overflow::EndpointConnections);
    let of_another_thread = breakers.connection(a, PoolConnection::First).unwrap();
    assert_eq!(breakers.connection(b, PoolConnection::Further).unwrap_err(), Overflow::Connections);
    assert_eq!(b.connections(), 0, "what was refused is not counted");
    assert_eq!((a.connections(), breakers.active(Limit::Connections)), (2, 2));
    drop((first, of_another_thread));
    assert_eq!((a.connections(), breakers.active(Limit::Connections)), (0, 0));
}

#[test]
fn limits_can_be_lowered_below_what_is_under_way() {
    let breakers = Breakers::new(&Limits::default());
    let two = [breakers.request().unwrap(), breakers.request().unwrap()];
    breakers.set_limits(&Limits { requests: Some(1), ..Limits::default() });
    assert!(breakers.request().is_err());
    drop(two);
    let one = breakers.request().unwrap();
    assert!(breakers.request().is_err());
    assert_eq!(one.limit(), Limit::Requests);
}

#[test]
fn threads_together_stay_within_a_limit() {
    let breakers = Breakers::new(&Limits { requests: Some(3), ..Limits::default() });
    let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    let Ok(permit) = breakers.request() else { continue };
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert!((1..=3).contains(&most.into_inner()));
    assert_eq!(breakers.active(Limit::Requests), 0);
}

proptest! {
    /// Steps: what to take, what to give back, and whether a panic unwinds through the holder.
    #[test]
    fn no_permit_is_ever_lost(steps in vec((0..5_u8, 0..8_usize, 0..10_u8), 1..200)) {
        let limits = Limits {
            connections: Some(4),
            pending_requests: Some(3),
            requests: Some(5),
            retries: Some(2),
            retry_budget: None,
            connections_per_endpoint: Some(3),
        };
        let (breakers, set) = (Breakers::new(&limits), endpoints());
        let mut held = Vec::new();
        for (kind, place, fate) in steps {
            let permit = match kind {
                0 => breakers.connection(set.state(place % 2).unwrap(), PoolConnection::Further),
                1 => breakers.pending_request(),
                2 => breakers.request(),
                3 => breakers.retry(),
                _ => {
                    if place < held.len() {
                        drop(held.swap_remove(place));
                    }
                    continue;
                }
            };
            let Ok(permit) = permit else { continue };
            if fate == 0 {
                let unwound = catch_unwind(AssertUnwindSafe(move || {
                    let _held = permit;
                    std::panic::resume_unwind(Box::new(()));
                }));
                prop_assert!(unwound.is_err());
            } else {
                held.push(permit);
            }
            for (limit, most) in ALL.into_iter().zip([4, 3, 5, 2]) {
                let active = held.iter().filter(|permit| permit.limit() == limit).count();
                prop_assert_eq!(breakers.active(limit) as usize, active);
                prop_assert!(active <= most);
            }
        }
        drop(held);
        prop_assert!(ALL.iter().all(|limit| breakers.active(*limit) == 0));
        prop_assert!((0..2).all(|index| set.state(index).unwrap().connections() == 0));
    }
}

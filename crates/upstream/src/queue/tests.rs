use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use backstay_balancer::{Breakers, EndpointState, Limits, Overflow, Share};

use super::{Entry, Given, Queue};
use crate::ConnectError;
use crate::member::Member;
use crate::pending::Counts;
use crate::stock::{Reusable, Stock};

struct Nothing;

impl Reusable for Nothing {
    fn is_alone(&self) -> bool {
        true
    }

    fn keep(self, _: &Stock<Self>) {}
}

struct Line {
    share: Arc<Share>,
    member: Rc<Member>,
    endpoint: Arc<EndpointState>,
    queue: Queue<u32>,
    tickets: u64,
}

impl Line {
    fn new() -> Self {
        let breakers = Breakers::new(&Limits { pending_requests: None, ..Limits::default() });
        let share = Share::join(&breakers, Waker::noop().clone());
        Self {
            member: Member::new(Arc::clone(&share)),
            share,
            endpoint: EndpointState::unlisted(),
            queue: Queue::default(),
            tickets: 0,
        }
    }

    fn offer(&self, free: u32) -> Option<u32> {
        self.queue.offer(free, || Some(Stock::<Nothing>::new(&self.member, Arc::clone(&self.endpoint)).spare()))
    }

    fn join(&mut self, opening: bool) -> Rc<Entry<u32>> {
        let pending = Rc::default();
        let counts = if opening {
            Counts::opening(&pending, &self.share, &self.endpoint)
        } else {
            Counts::waiting(&pending, &self.share, Overflow::Connections, &self.endpoint)
        };
        self.tickets += 1;
        self.queue.join(self.tickets, counts.unwrap())
    }
}

fn free(entry: &Entry<u32>) -> Option<u32> {
    match entry.poll(&Context::from_waker(Waker::noop())) {
        Poll::Ready(Given::Free(free)) => Some(free),
        _ => None,
    }
}

#[test]
fn those_who_leave_are_forgotten_though_nothing_becomes_free() {
    let mut line = Line::new();
    let stays = line.join(false);
    for opening in [false, true] {
        for _ in 0..10_000 {
            let leaves = line.join(opening);
            line.queue.leave(&leaves);
        }
    }
    assert!(line.queue.entries() < 20, "{}", line.queue.entries());
    assert!(!line.queue.is_empty());
    assert!(line.offer(1).is_none());
    assert_eq!(free(&stays), Some(1));
    assert_eq!((line.queue.is_empty(), line.offer(2)), (true, Some(2)));
}

#[test]
fn who_has_waited_longest_is_served_first() {
    let mut line = Line::new();
    let opening = [line.join(true), line.join(true)];
    let waiting = [line.join(false), line.join(false), line.join(false)];
    line.queue.leave(&waiting[0]);
    for number in 0..5 {
        line.offer(number);
    }
    let served = opening.iter().chain(&waiting).map(|entry| free(entry)).collect::<Vec<_>>();
    assert_eq!(served, [Some(0), Some(1), None, Some(2), Some(3)]);
}

#[test]
fn what_cannot_be_opened_fails_those_that_have_nothing_else_to_wait_for() {
    for others in [false, true] {
        let mut line = Line::new();
        let entries = [line.join(true), line.join(true), line.join(false)];
        line.queue.fail(&ConnectError::NotHttp2, 1, others);
        let failed = entries.map(|entry| matches!(entry.untaken(), Some(Given::Failed(_))));
        assert_eq!(failed, [true, false, others]);
        assert_eq!((line.queue.opening(), line.queue.is_short()), (1, !others));
    }
}

#[test]
fn who_can_expect_nothing_any_more_waits_before_those_who_came_later() {
    let mut line = Line::new();
    let opening = [line.join(true), line.join(true), line.join(true)];
    let later = line.join(false);
    line.queue.demote(1, Overflow::Connections);
    assert_eq!((line.queue.opening(), line.share.waiting()), (1, 4));
    assert!((0..4).all(|number| line.offer(number).is_none()));
    let served = opening.iter().chain([&later]).map(|entry| free(entry)).collect::<Vec<_>>();
    assert_eq!(served, [Some(0), Some(1), Some(2), Some(3)]);
    assert_eq!((line.queue.opening(), line.share.waiting()), (0, 0));
}

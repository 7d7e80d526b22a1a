//! Timers that requests borrow.
//!
//! To set a timer and to take it back costs more than most of what a request does else, and hardly any of them ever goes off. So a
//! timer that is not needed any more is kept as it is set, and lent to the next request that needs one: it goes off early, if it does,
//! and is set anew then for whoever has it. With many requests in the time of one timer, almost none is set.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// Most timers that are kept. Each takes about 150 bytes, and keeps the memory of the task that had it last.
const KEPT: usize = 256;

/// Timers that nobody needs now.
#[derive(Debug, Default)]
pub(crate) struct Timers(RefCell<Vec<Pin<Box<Sleep>>>>);

impl Timers {
    /// A timer for `due`.
    pub(crate) fn lend(self: &Rc<Self>, due: Instant) -> Timer {
        let kept = self.0.borrow_mut().pop();
        let sleep = kept.unwrap_or_else(|| Box::pin(sleep_until(due)));
        let mut timer = Timer { sleep: Some(sleep), due, timers: Rc::clone(self) };
        timer.set(due);
        timer
    }
}

/// A timer that is borrowed.
#[derive(Debug)]
pub(crate) struct Timer {
    /// Goes off when the time has come, or before. There until this is dropped.
    sleep: Option<Pin<Box<Sleep>>>,
    due: Instant,
    timers: Rc<Timers>,
}

impl Timer {
    /// Sets the timer for another time.
    pub(crate) fn set(&mut self, due: Instant) {
        self.due = due;
        if let Some(sleep) = self.sleep.as_mut().filter(|sleep| sleep.deadline() > due) {
            sleep.as_mut().reset(due);
        }
    }

    /// When it goes off.
    pub(crate) fn deadline(&self) -> Instant {
        self.due
    }

    /// Ready when the time has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.sleep else { return Poll::Ready(()) };
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= self.due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(self.due);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut kept = self.timers.0.borrow_mut();
        if kept.len() < KEPT {
            kept.extend(self.sleep.take());
        }
    }
}

#[cfg(test)]
mod tests;

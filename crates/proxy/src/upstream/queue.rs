//! Requests that wait because no more connections may be opened.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{Breakers, EndpointState, Overflow, Permit, PoolConnection};
use tokio::sync::oneshot;

use super::http1::Connection;

#[cfg(test)]
mod tests;

/// What a request that waits is given.
#[derive(Debug)]
pub(super) enum Given {
    /// A connection that has become free.
    Connection(Box<Connection>),
    /// The right to look again.
    Turn(Turn),
}

/// A thread's connections to one endpoint, counted, and the requests that wait for one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    open: Cell<u32>,
    waiting: RefCell<VecDeque<oneshot::Sender<Given>>>,
}

impl Queue {
    /// Connections open or being opened.
    pub(super) fn open(&self) -> u32 {
        self.open.get()
    }

    /// The right to open a connection. The first one is always granted: requests would wait for a connection that nobody may
    /// open.
    pub(super) fn enter(
        self: &Rc<Self>,
        breakers: &Arc<Breakers>,
        endpoint: &Arc<EndpointState>,
    ) -> Result<Place, Overflow> {
        let which = if self.open.get() == 0 { PoolConnection::First } else { PoolConnection::Further };
        let permit = breakers.connection(endpoint, which)?;
        self.open.set(self.open.get() + 1);
        Ok(Place { _permit: permit, queue: Rc::clone(self) })
    }

    /// Waits behind those who wait already. `None` when the thread ends.
    pub(super) async fn wait(&self) -> Option<Given> {
        let (given, waits) = oneshot::channel();
        self.enqueue(given);
        waits.await.ok()
    }

    /// Gives a free connection to who has waited longest; back, if nobody waits.
    pub(super) fn offer(&self, connection: Box<Connection>) -> Option<Box<Connection>> {
        let mut offered = Given::Connection(connection);
        while let Some(waiter) = self.next() {
            match waiter.send(offered) {
                Ok(()) => return None,
                // That one has left.
                Err(returned) => offered = returned,
            }
        }
        match offered {
            Given::Connection(connection) => Some(connection),
            Given::Turn(_) => None,
        }
    }

    /// Lets who has waited longest look again.
    pub(super) fn wake(self: &Rc<Self>) {
        while let Some(waiter) = self.next() {
            match waiter.send(Given::Turn(Turn(Some(Rc::clone(self))))) {
                Ok(()) => return,
                // Its turn must not be passed on by being dropped: the loop does that.
                Err(Given::Turn(mut turn)) => turn.0 = None,
                Err(Given::Connection(_)) => {}
            }
        }
    }

    /// Lets so many look again, if there are.
    pub(super) fn wake_some(self: &Rc<Self>, most: usize) {
        let waiting = self.waiting.borrow().len();
        for _ in 0..most.min(waiting) {
            self.wake();
        }
    }

    fn enqueue(&self, waiter: oneshot::Sender<Given>) {
        let mut waiting = self.waiting.borrow_mut();
        // Those who have left are otherwise found only when something becomes free, which may be never.
        if waiting.len() == waiting.capacity() {
            waiting.retain(|waiter| !waiter.is_closed());
        }
        waiting.push_back(waiter);
    }

    fn next(&self) -> Option<oneshot::Sender<Given>> {
        self.waiting.borrow_mut().pop_front()
    }
}

/// The right to look again. Dropped unused, because its request has left, it goes to the next.
#[derive(Debug)]
pub(super) struct Turn(Option<Rc<Queue>>);

impl Turn {
    pub(super) fn used(mut self) {
        self.0 = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.wake();
        }
    }
}

/// A connection's place among those that may be open, until it has ended.
#[derive(Debug)]
pub(super) struct Place {
    _permit: Permit,
    queue: Rc<Queue>,
}

impl Place {
    /// Where requests wait for it.
    pub(super) fn queue(&self) -> &Rc<Queue> {
        &self.queue
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.open.set(self.queue.open.get().saturating_sub(1));
        self.queue.wake();
    }
}

//! Who waits for which answer on a socket that several questions may share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// What comes of a question: the bytes that came under its id; or the end of what it was sent over, and with it of all hope.
pub(super) type Arrival = (u16, Option<Vec<u8>>);

/// What may arrive for one question before it is looked at. Forgeries beyond that are lost, like datagrams of a full socket.
pub(super) const ARRIVALS: usize = 8;

/// The questions that are open on one socket, by id.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u16, Waiter>,
    /// Questions that were given up before anything arrived for them.
    abandoned: usize,
    closed: bool,
    /// When an answer last arrived, to any of them.
    last_arrival: Option<Instant>,
}

#[derive(Debug)]
struct Waiter {
    arrivals: mpsc::Sender<Arrival>,
    answered: bool,
}

/// The place of one question among those that wait. Given up when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    waiters: Arc<Waiters>,
    id: u16,
}

impl Waiters {
    /// Begins to wait under an id that nobody can guess. None if the socket is closed, or has no id left.
    pub(super) fn register(self: &Arc<Self>, arrivals: mpsc::Sender<Arrival>) -> Option<Ticket> {
        let mut table = self.table();
        if table.closed || table.open.len() > usize::from(u16::MAX / 2) {
            return None;
        }
        let id = loop {
            let id = rand::random();
            if !table.open.contains_key(&id) {
                break id;
            }
        };
        table.open.insert(id, Waiter { arrivals, answered: false });
        Some(Ticket { waiters: Arc::clone(self), id })
    }

    /// Hands over what has arrived to whom its id says.
    pub(super) fn deliver(&self, bytes: &[u8]) {
        let Some(id) = bytes.first_chunk().map(|id| u16::from_be_bytes(*id)) else {
            return;
        };
        let mut table = self.table();
        if let Some(waiter) = table.open.get_mut(&id) {
            waiter.answered = true;
            // Full: it has enough to look at.
            let _ = waiter.arrivals.try_send((id, Some(bytes.to_vec())));
        } else if let Some(fewer) = table.abandoned.checked_sub(1) {
            table.abandoned = fewer;
        } else {
            // More than was ever asked is no sign that questions are read.
            return;
        }
        table.last_arrival = Some(Instant::now());
    }

    /// Tells all who wait that what they sent is lost.
    pub(super) fn fail(&self) {
        for (id, waiter) in &self.table().open {
            let _ = waiter.arrivals.try_send((*id, None));
        }
    }

    /// Nobody can wait here any more; those who do are told.
    pub(super) fn close(&self) {
        self.table().closed = true;
        self.fail();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.table().closed
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.table().open.is_empty()
    }

    /// How many answers may come before that to the next question: also those that nobody waits for any more.
    pub(super) fn ahead(&self) -> usize {
        let table = self.table();
        table.open.len() + table.abandoned
    }

    /// Whether an answer has arrived since `time`, be it one that nobody waits for any more.
    pub(super) fn arrived_since(&self, time: Instant) -> bool {
        self.table().last_arrival.is_some_and(|last| last >= time)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    pub(super) fn id(&self) -> u16 {
        self.id
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut table = self.waiters.table();
        if table.open.remove(&self.id).is_some_and(|waiter| !waiter.answered) {
            table.abandoned += 1;
        }
    }
}

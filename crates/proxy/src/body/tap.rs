//! A copy of a body for a mirror, which must never hold up the original.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::error::BodyError;

#[derive(Debug)]
struct State {
    queue: VecDeque<Bytes>,
    size: usize,
    limit: usize,
    end: Option<End>,
    /// What comes after all that waits.
    trailers: Option<HeaderMap>,
    /// More waited than may.
    overflowed: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Abandoned,
}

/// The writing side. Dropped before [`Tap::finish`], the copy is abandoned.
#[derive(Debug)]
pub(crate) struct Tap(Rc<RefCell<State>>);

/// The reading side.
#[derive(Debug)]
pub(crate) struct Tapped(Rc<RefCell<State>>);

/// A copy of which at most `limit` bytes wait to be read.
pub(crate) fn tap(limit: usize) -> (Tap, Tapped) {
    let state = Rc::new(RefCell::new(State {
        queue: VecDeque::new(),
        size: 0,
        limit,
        end: None,
        trailers: None,
        overflowed: false,
        waker: None,
    }));
    (Tap(Rc::clone(&state)), Tapped(state))
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Tap {
    pub(crate) fn push(&mut self, data: &Bytes) {
        let mut state = self.0.borrow_mut();
        if state.end.is_some() {
            return;
        }
        state.size += data.len();
        if state.size > state.limit {
            state.end = Some(End::Abandoned);
            state.overflowed = true;
            state.queue.clear();
        } else {
            state.queue.push_back(data.clone());
        }
        state.wake();
    }

    /// Ends the copy with these trailers.
    pub(crate) fn finish_with(self, trailers: HeaderMap) {
        self.0.borrow_mut().trailers = Some(trailers);
        self.finish();
    }

    pub(crate) fn finish(self) {
        self.0.borrow_mut().end.get_or_insert(End::Complete);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut state = self.0.borrow_mut();
        if state.end.is_none() {
            state.end = Some(End::Abandoned);
            state.queue.clear();
        }
        state.wake();
    }
}

/// Tells what became of a copy, whoever still holds it.
#[derive(Debug)]
pub(crate) struct Fate(Rc<RefCell<State>>);

impl Fate {
    /// Whether the copy was abandoned because its reader was too slow.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.0.borrow().overflowed
    }
}

impl Tapped {
    pub(crate) fn fate(&self) -> Fate {
        Fate(Rc::clone(&self.0))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = self.0.borrow_mut();
        if let Some(data) = state.queue.pop_front() {
            state.size -= data.len();
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match state.end {
            Some(End::Complete) => Poll::Ready(state.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
            Some(End::Abandoned) => Poll::Ready(Some(Err(BodyError::Abandoned))),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        // Nobody reads: what comes is not kept.
        let mut state = self.0.borrow_mut();
        state.end = Some(End::Abandoned);
        state.queue.clear();
    }
}

#[cfg(test)]
mod tests;

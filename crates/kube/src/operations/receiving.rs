//! Bodies of requests of other dialects, within the limits that hold for those of REST.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::api::Api;
use crate::status::Failure;

/// What the body of a request takes of the room that all have together, until it is dropped.
#[derive(Debug)]
pub struct Share {
    api: Arc<Api>,
    taken: AtomicUsize,
}

impl Share {
    fn extend(&self, count: usize) -> bool {
        let fits = self.api.bodies.take(self.taken.load(Ordering::Relaxed), count);
        if fits {
            self.taken.fetch_add(count, Ordering::Relaxed);
        }
        fits
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.api.bodies.give_back(self.taken.load(Ordering::Relaxed));
    }
}

/// A body that ends with a [`Failure`] when it is too large or too slow, or when there is no room for it.
#[derive(Debug)]
pub struct Bounded {
    body: Body,
    share: Arc<Share>,
    /// When it must have come; there is none before something has been waited for.
    late: Option<Pin<Box<Sleep>>>,
    began: Instant,
    left: usize,
}

impl Bounded {
    /// Of a request; `framing` is how many bytes there may be beside what is limited.
    pub(super) fn new(api: &Arc<Api>, body: Body, framing: usize) -> (Self, Arc<Share>) {
        let share = Arc::new(Share { api: Arc::clone(api), taken: AtomicUsize::new(0) });
        let left = api.options.max_body_bytes.saturating_add(framing);
        (Self { body, share: Arc::clone(&share), late: None, began: Instant::now(), left }, share)
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        let options = &this.share.api.options;
        let limit = options.body_timeout;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            let late = this.late.get_or_insert_with(|| Box::pin(sleep_until(this.began + limit)));
            return late.as_mut().poll(context).map(|()| Some(Err(Failure::slow_body(limit))));
        };
        // Who sends a little at a time is late as well.
        if this.late.as_ref().is_some_and(|late| late.is_elapsed()) {
            return Poll::Ready(Some(Err(Failure::slow_body(limit))));
        }
        let Some(frame) = frame else { return Poll::Ready(None) };
        let frame =
            frame.map_err(|error| Failure::bad_request(format!("the request body could not be read: {error}")))?;
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = this.left.checked_sub(size) else {
            let limit = options.max_body_bytes;
            return Poll::Ready(Some(Err(Failure::too_large(format!("Request entity too large: limit is {limit}")))));
        };
        this.left = left;
        if !this.share.extend(size) {
            return Poll::Ready(Some(Err(options.meter.limited("max_bodies_bytes"))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

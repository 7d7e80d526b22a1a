//! Upstreams that say nothing more.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// How long the next part of an answer may take. Most answers are there when they are asked for: nothing is allocated, and no clock is
/// read, until one is not.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Duration,
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    /// When the last part came, or it was first waited for one.
    since: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Silence {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, waiting: None }
    }

    /// A part came.
    #[inline]
    pub(super) fn broken(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.since = Instant::now();
        }
    }

    /// Ready when the endpoint has said nothing for too long, with when that was so. The timer is set anew only when it goes off, not
    /// with each part.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| {
            Box::new(Waiting { since: Instant::now(), sleep: Box::pin(tokio::time::sleep(limit)) })
        });
        while waiting.sleep.as_mut().poll(cx).is_ready() {
            let due = waiting.since + limit;
            if due <= Instant::now() {
                return Poll::Ready(due);
            }
            waiting.sleep.as_mut().reset(due.into());
        }
        Poll::Pending
    }
}

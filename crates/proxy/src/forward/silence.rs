//! Upstreams that say nothing more.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// How long the next part of an answer may take.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Duration,
    /// When the last part came.
    pub(super) since: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Silence {
    pub(super) fn new(limit: Duration) -> Box<Self> {
        Box::new(Self { limit, since: Instant::now(), sleep: Box::pin(tokio::time::sleep(limit)) })
    }

    /// When the endpoint will have said nothing for too long.
    pub(super) fn due(&self) -> Instant {
        self.since + self.limit
    }

    /// Ready when the endpoint has said nothing for too long. The timer is set anew only when it goes off, not with each part.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.sleep.as_mut().poll(cx).is_ready() {
            let due = self.due();
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(due.into());
        }
        Poll::Pending
    }
}

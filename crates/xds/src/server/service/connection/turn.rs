use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The right to have a bulk response unanswered, for a time at most. It ends by itself: a stream whose client takes nothing is not
/// asked for anything either.
pub(super) struct Turn(JoinHandle<()>);

impl Turn {
    fn begin(permit: OwnedSemaphorePermit, most: Duration) -> Self {
        Self(tokio::spawn(async move {
            let _permit = permit;
            sleep(most).await;
        }))
    }

    /// Whether it has taken too long, and others go on.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A place among those who wait for a turn.
#[derive(Default)]
pub(super) struct Queue(Option<BoxFuture<'static, Option<OwnedSemaphorePermit>>>);

impl Queue {
    /// Waits for a turn of `most`.
    pub(super) fn poll(&mut self, bulk: &Arc<Semaphore>, most: Duration, context: &mut Context<'_>) -> Poll<Turn> {
        let waiting = self.0.get_or_insert_with(|| {
            let acquired = Arc::clone(bulk).acquire_owned();
            Box::pin(async move { acquired.await.ok() })
        });
        let permit = ready!(Pin::new(waiting).poll(context));
        self.leave();
        // Nobody closes it.
        permit.map_or(Poll::Pending, |permit| Poll::Ready(Turn::begin(permit, most)))
    }

    /// Waits no more.
    pub(super) fn leave(&mut self) {
        self.0 = None;
    }
}

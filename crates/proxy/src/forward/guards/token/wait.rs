//! Requests for which keys are fetched.

use crate::exchange::Exchange;
use crate::tokens::Waiting;

/// Waits for keys.
pub(in crate::forward) struct Waiter(Waiting);

impl Waiter {
    pub(super) fn new(waiting: Waiting) -> Self {
        Self(waiting)
    }

    /// Waits until the fetch has ended, well or not. A client that leaves meanwhile is noted.
    pub(in crate::forward) async fn wait(self: Box<Self>, exchange: &mut Exchange) {
        let left = Left(exchange);
        self.0.end().await;
        std::mem::forget(left);
    }
}

/// Dropped, the client has left.
struct Left<'e>(&'e mut Exchange);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.left(None);
    }
}

//! What a commit comes from, for whoever stands between it and the store and wants to know.

use std::any::Any;
use std::sync::Arc;

/// What a commit comes from. Only who said so knows what it is.
pub type Origin = Arc<dyn Any + Send + Sync>;

tokio::task_local! {
    static ORIGIN: Origin;
}

/// Does `work`, whose commits come from `origin`.
pub async fn within<F: Future>(origin: Origin, work: F) -> F::Output {
    ORIGIN.scope(origin, work).await
}

/// What commits of this task come from now, if anybody has said so.
#[must_use]
pub fn current() -> Option<Origin> {
    ORIGIN.try_with(Arc::clone).ok()
}

/// The same work for another task, whose commits come from what those of this one do.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    let origin = current();
    async move {
        match origin {
            Some(origin) => within(origin, work).await,
            None => work.await,
        }
    }
}

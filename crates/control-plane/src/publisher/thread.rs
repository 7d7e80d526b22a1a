//! The thread that compiles.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Publisher;
use crate::error::StartError;
use crate::shared::{Compiling, Shared};

/// Compiling may take a while at a time, so it has a thread of its own. It waits for other threads and for nothing else:
/// without drivers for sockets and timers, waking it costs less.
pub(crate) fn spawn(
    publisher: Publisher,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> Result<std::thread::JoinHandle<()>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(StartError::Thread)?;
    std::thread::Builder::new()
        .name("publisher".to_owned())
        .spawn(move || {
            let _ended = Ended(shared);
            // Nothing, when it was told to stop.
            let _ = runtime.block_on(stop.run_until_cancelled(publisher.run()));
        })
        .map_err(StartError::Thread)
}

/// Says that the publisher has ended, however it does: nobody takes a control plane for sound that compiles no changes.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.set_compiling(Compiling::Ended);
    }
}

#[cfg(test)]
mod tests;

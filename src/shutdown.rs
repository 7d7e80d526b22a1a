//! Ending on SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of a process that ends before it was done: 128 and the number of SIGINT, as shells have it.
const CUT_SHORT: i32 = 130;

/// The signals that ask a process to end.
#[derive(Debug)]
pub(crate) struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
}

impl Shutdown {
    /// Takes the signals over; from here on they no longer kill.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn listen() -> Result<Self> {
        let take = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())? })
    }

    /// Resolves when a signal arrives.
    pub(crate) async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for the orderly end; another signal meanwhile ends the process at once.
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever signals twice asks for just that: an end that waits for nothing"
    )]
    pub(crate) async fn drain(mut self, orderly: impl Future<Output = ()>) {
        tokio::select! {
            () = orderly => {}
            () = self.requested() => {
                tracing::warn!("second signal: ending at once");
                std::process::exit(CUT_SHORT);
            }
        }
    }
}

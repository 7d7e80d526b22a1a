//! Ending on SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once. And what else is done on a signal.

use std::convert::Infallible;
use std::future::pending;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of a process that ends before it was done: 128 and the number of SIGINT, as shells have it.
const CUT_SHORT: i32 = 130;

/// The signals that ask a process to end.
#[derive(Debug)]
pub(crate) struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
    /// Where nothing else is to be done about it.
    hangup: Option<Signal>,
}

/// What is done about SIGHUP. It never ends a process before what is under way has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// Its terminal is gone: it ends, as on SIGTERM.
    Ends,
    /// It reopens its access log, as on SIGUSR1.
    Reopens,
}

/// The signals that ask for another file of the access log.
#[derive(Debug)]
pub(crate) struct Reopen {
    user: Signal,
    hangup: Option<Signal>,
}

impl Reopen {
    /// Takes the signals over; from here on they no longer kill.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn listen(hangup: Hangup) -> Result<Self> {
        let hangup = (hangup == Hangup::Reopens).then(|| take(SignalKind::hangup())).transpose()?;
        Ok(Self { user: take(SignalKind::user_defined1())?, hangup })
    }

    /// Calls `reopen` whenever a signal arrives.
    pub(crate) async fn each(&mut self, reopen: impl Fn()) -> Infallible {
        loop {
            tokio::select! {
                _ = self.user.recv() => {}
                () = received(&mut self.hangup) => {}
            }
            reopen();
        }
    }
}

fn take(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => pending().await,
    }
}

impl Shutdown {
    /// Takes the signals over; from here on they no longer kill.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn listen(hangup: Hangup) -> Result<Self> {
        let hangup = (hangup == Hangup::Ends).then(|| take(SignalKind::hangup())).transpose()?;
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())?, hangup })
    }

    /// Resolves when a signal arrives.
    pub(crate) async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = received(&mut self.hangup) => {}
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

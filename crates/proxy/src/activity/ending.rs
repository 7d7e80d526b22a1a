//! Why a request has ended before its end.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::local_reply::Flag;

/// Why a request has ended before its end. Several may want to end it at almost the same time: what came first decides, and
/// everything that is told of it, by the access log and by metrics, follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The client has left.
    Client,
    /// The record says it already: the endpoint broke off, or the proxy answered by itself.
    Recorded,
    /// A timeout of the whole passed.
    Deadline,
    /// The endpoint said nothing more for too long.
    BetweenBytes,
    /// Nothing moved for too long in either direction.
    Still,
    /// The thread has ended: a drain waits only so long.
    Shutdown,
    /// Body or answer took longer than the listener allows.
    TooLong,
}

impl Cause {
    /// What the access log says of it. `None` where the record says it already.
    pub(crate) const fn told(self) -> Option<(Flag, &'static str)> {
        Some(match self {
            Self::Client => (Flag::DownstreamConnectionTermination, "downstream_remote_disconnect"),
            Self::Recorded => return None,
            Self::Deadline => (Flag::UpstreamRequestTimeout, "response_timeout"),
            Self::BetweenBytes => (Flag::UpstreamRequestTimeout, "between_bytes_timeout"),
            Self::Still => (Flag::StreamIdleTimeout, "stream_idle_timeout"),
            Self::TooLong => (Flag::DownstreamMaxDuration, "max_duration_timeout"),
            Self::Shutdown => (Flag::DownstreamConnectionTermination, "downstream_local_disconnect"),
        })
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Client,
            2 => Self::Recorded,
            3 => Self::Deadline,
            4 => Self::BetweenBytes,
            5 => Self::Still,
            6 => Self::Shutdown,
            7 => Self::TooLong,
            _ => return None,
        })
    }

    const fn code(self) -> u8 {
        match self {
            Self::Client => 1,
            Self::Recorded => 2,
            Self::Deadline => 3,
            Self::BetweenBytes => 4,
            Self::Still => 5,
            Self::Shutdown => 6,
            Self::TooLong => 7,
        }
    }
}

/// The first cause. Shared with a connection's stream, which must be `Send`; only one thread uses it.
#[derive(Debug, Default)]
pub(crate) struct First(AtomicU8);

impl First {
    /// Sets it, unless something came before.
    pub(crate) fn set(&self, cause: Cause) {
        if self.get().is_none() {
            self.0.store(cause.code(), Relaxed);
        }
    }

    pub(crate) fn get(&self) -> Option<Cause> {
        Cause::from_code(self.0.load(Relaxed))
    }

    /// Another request begins.
    pub(crate) fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests;

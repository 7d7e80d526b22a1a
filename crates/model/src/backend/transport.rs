//! What is spoken to endpoints, and how long it may take.

use std::time::Duration;

use backstay_proto::config;

use crate::fault::{Checked, Together};
use crate::scalar::{limit, positive};

/// What is spoken to the endpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, by prior knowledge or, over TLS, by ALPN (an endpoint that does not select `h2` is refused).
    Http2,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To establish a connection, TLS included.
    pub connect: Duration,
    /// How long an unused connection is kept for reuse.
    pub idle: Duration,
    /// From the end of a request to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// Between two parts of the answer's body.
    pub between_bytes: Option<Duration>,
    /// What becomes of an answer when that has passed.
    pub on_silence: OnSilence,
    /// The whole request, retries included; a shorter timeout of the route counts as well.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    /// 5 s to connect, 60 s idle, no others.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            first_byte: None,
            between_bytes: None,
            on_silence: OnSilence::Break,
            total: None,
        }
    }
}

/// What becomes of an answer of which nothing more comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OnSilence {
    /// It is broken off, so that its receiver can tell that it is not complete.
    #[default]
    Break,
    /// It is taken to be complete, unless its length was promised.
    End,
}

/// Reads what is said, and leaves the rest to the defaults.
pub(super) fn timeouts(given: Option<config::Timeouts>) -> Checked<Timeouts> {
    let defaults = Timeouts::default();
    let given = given.unwrap_or_default();
    let (connect, idle, first_byte, between_bytes, total) = (
        positive("connect", given.connect),
        positive("idle", given.idle),
        limit("first_byte", given.first_byte),
        limit("between_bytes", given.between_bytes),
        limit("total", given.total),
    )
        .together()?;
    Ok(Timeouts {
        connect: connect.unwrap_or(defaults.connect),
        idle: idle.unwrap_or(defaults.idle),
        first_byte,
        between_bytes,
        on_silence: if given.end_on_silence { OnSilence::End } else { OnSilence::Break },
        total,
    })
}

//! What clients of one socket may ask, beside what a proxy allows all of its clients.

use std::time::Duration;

use backstay_proto::config;

use crate::fault::{Checked, Together, refuse};
use crate::scalar::limit;

/// What clients may ask; what is `None` is for the proxy to say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientLimits {
    /// From the first byte of a request's head to its last, and for the handshake of TLS.
    pub header_timeout: Option<Duration>,
    /// How long a connection without a request stays open.
    pub idle_timeout: Option<Duration>,
    /// From the head of a request to the last byte of its body; without limit unless it is set.
    pub request_timeout: Option<Duration>,
    /// From the head of a request to the last byte of its answer; without limit unless it is set.
    pub response_timeout: Option<Duration>,
    /// Bytes of a request's head. 256 to 16 MiB.
    pub max_head_size: Option<usize>,
}

impl ClientLimits {
    /// The shortest of the times.
    #[must_use]
    pub fn shortest(&self) -> Option<Duration> {
        let Self { header_timeout, idle_timeout, request_timeout, response_timeout, .. } = self;
        [header_timeout, idle_timeout, request_timeout, response_timeout].into_iter().flatten().min().copied()
    }
}

/// Checks what is asked for.
pub(super) fn limits(message: Option<&config::ClientLimits>) -> Checked<ClientLimits> {
    let Some(message) = message else { return Ok(ClientLimits::default()) };
    let size = match message.max_head_size {
        0 => Ok(None),
        size @ 256..=16_777_216 => Ok(usize::try_from(size).ok()),
        _ => refuse("limits.max_head_size", "must be from 256 to 16777216"),
    };
    let waits =
        (limit("limits.header_timeout", message.header_timeout), limit("limits.idle_timeout", message.idle_timeout));
    let whole = (
        limit("limits.request_timeout", message.request_timeout),
        limit("limits.response_timeout", message.response_timeout),
    );
    let ((header_timeout, idle_timeout), (request_timeout, response_timeout), max_head_size) =
        (waits.together(), whole.together(), size).together()?;
    Ok(ClientLimits { header_timeout, idle_timeout, request_timeout, response_timeout, max_head_size })
}

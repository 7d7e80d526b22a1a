//! Requests that come back: the header `CDN-Loop` (RFC 8586) has a mark for each pass through a dynamic backend, and a
//! request with too many of them goes no further.
//!
//! Nobody but who is on the way can take marks away: they are no matter of a connection, filters may not name the header, and
//! what would keep the next reader from finding them is refused.

use backstay_model::is_token;
use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::local_reply::{Flag, LocalReply};
use backstay_upstream::{Backend, Discovery};

pub(super) const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// Not 502 as Envoy's: who retries that would send every request of the circle round once more.
const DETECTED: LocalReply =
    LocalReply::fixed(StatusCode::LOOP_DETECTED, "loop detected", Flag::LoopDetected, "cdn_loop_detected");
const MALFORMED: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "invalid CDN-Loop header",
    Flag::DownstreamProtocolError,
    "invalid_cdn_loop_header",
);

/// Marks a request to `backend`, if that is dynamic.
///
/// # Errors
/// When the request has come through `backend` as often as it may, which is counted, or nobody can tell how often.
pub(super) fn pass(backend: &Backend, headers: &mut HeaderMap) -> Result<(), LocalReply> {
    let Discovery::Dynamic(dynamic) = &backend.discovery else { return Ok(()) };
    let Some(guard) = &dynamic.loops else { return Ok(()) };
    if !headers.contains_key(CDN_LOOP) {
        headers.insert(CDN_LOOP, guard.id().clone());
        return Ok(());
    }
    let mut passes = 0;
    // One line, since readers may look at no more than the first.
    let mut line = BytesMut::new();
    for value in headers.get_all(CDN_LOOP) {
        passes += count(value.as_bytes(), guard.id().as_bytes()).ok_or(MALFORMED)?;
        line.put_slice(value.as_bytes());
        line.put_slice(b", ");
    }
    if passes >= guard.max_passes.get() {
        backend.metrics.loops.increment(1);
        return Err(DETECTED);
    }
    line.put_slice(guard.id().as_bytes());
    headers.insert(CDN_LOOP, HeaderValue::from_maybe_shared(line.freeze()).map_err(|_| MALFORMED)?);
    Ok(())
}

/// How often `id` is in a list of `cdn-info`. `None` if `line` is no such list.
fn count(line: &[u8], id: &[u8]) -> Option<u32> {
    let mut found = 0;
    let mut rest = Rest(line);
    loop {
        rest.skip_blanks();
        // Lists may have empty elements (RFC 9110, 5.6.1).
        let name = rest.take(|byte| is_token(byte) || matches!(byte, b':' | b'[' | b']' | b'(' | b')'));
        if name.eq_ignore_ascii_case(id) {
            found += 1;
        }
        rest.skip_blanks();
        while !name.is_empty() && rest.skip(b';') {
            rest.skip_blanks();
            rest.parameter()?;
            rest.skip_blanks();
        }
        if rest.0.is_empty() {
            return Some(found);
        }
        rest.skip(b',').then_some(())?;
    }
}

/// What is yet to be read of a line.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !is_part(*byte)).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest;
        part
    }

    fn skip_blanks(&mut self) {
        self.take(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A name and a value: a token, or a quoted string.
    fn parameter(&mut self) -> Option<()> {
        let named = !self.take(is_token).is_empty() && self.skip(b'=');
        if !named || !self.skip(b'"') {
            return (named && !self.take(is_token).is_empty()).then_some(());
        }
        loop {
            self.take(|byte| byte != b'"' && byte != b'\\');
            if self.skip(b'"') {
                return Some(());
            }
            // An escape, and what is escaped.
            self.0 = self.0.get(2..)?;
        }
    }
}

#[cfg(test)]
mod tests;

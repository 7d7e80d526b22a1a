//! Cookies.

use http::{HeaderMap, HeaderValue, header};

/// The value of the first cookie called `name` (RFC 6265, 4.2.1), as it is sent: quotes are part of it.
pub(crate) fn first<'r>(headers: &'r HeaderMap, name: &[u8]) -> Option<&'r [u8]> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b';')).find_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..at] == *name).then(|| &pair[at + 1..])
    })
}

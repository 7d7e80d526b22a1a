//! Other protocols over a stream of HTTP/2 (RFC 8441), as endpoints of HTTP/1.1 know them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use h2::ext::Protocol;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::headers::HeaderPresence;
use crate::exchange::Exchange;
use crate::local_reply::{Flag, LocalReply};

const SEC_WEBSOCKET_KEY: HeaderName = HeaderName::from_static("sec-websocket-key");

const NOT_SUPPORTED: LocalReply = LocalReply::fixed(
    StatusCode::NOT_IMPLEMENTED,
    "CONNECT is not supported for this protocol",
    Flag::DownstreamProtocolError,
    "connect_protocol_not_supported",
);

/// The backend speaks HTTP/2, where it is not known whether its endpoints speak anything else.
pub(super) const NOT_PASSED_ON: LocalReply = LocalReply::fixed(
    StatusCode::NOT_IMPLEMENTED,
    "the backend does not take connections that change their protocol",
    Flag::DownstreamProtocolError,
    "connect_protocol_not_supported",
);

/// Makes of a CONNECT for a protocol the upgrade that an endpoint of HTTP/1.1 knows: routes see it as such. Any other CONNECT is left as
/// it is, and refused with its authority.
///
/// # Errors
/// When connections may not change to the protocol.
pub(super) fn translate(
    exchange: &Exchange,
    parts: &mut Parts,
    present: &mut HeaderPresence,
) -> Result<(), LocalReply> {
    let Some(protocol) = parts.extensions.remove::<Protocol>() else { return Ok(()) };
    let thread = &exchange.client.thread;
    let value = HeaderValue::from_str(protocol.as_str()).map_err(|_| NOT_SUPPORTED)?;
    if !thread.shared.upgrades.permit(value.as_bytes()) {
        return Err(NOT_SUPPORTED);
    }
    if protocol.as_str().eq_ignore_ascii_case("websocket") {
        // Over HTTP/2 there is none (RFC 8441, 5). It tells caches apart from servers, and keeps no secret.
        let nonce = [thread.random().to_ne_bytes(), thread.random().to_ne_bytes()].concat();
        if let Ok(key) = HeaderValue::try_from(BASE64_STANDARD.encode(nonce)) {
            parts.headers.insert(SEC_WEBSOCKET_KEY, key);
        }
    }
    parts.method = Method::GET;
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(header::UPGRADE, value);
    *present = HeaderPresence::among(&parts.headers);
    Ok(())
}

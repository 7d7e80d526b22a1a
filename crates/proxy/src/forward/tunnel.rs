//! Connections that changed protocols: bytes both ways, nothing read into them.

use std::io;

use http::{HeaderName, HeaderValue, Response, StatusCode, Version, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};

use super::attempt::UpstreamAnswer;
use super::guard::Active;
use super::headers;
use super::response_body::ResponseBody;
use crate::exchange::{ClientTunnel, ClientUpgrade, Exchange};
use crate::upstream::Tunnel;

/// Bytes buffered in each direction.
const BUFFER: usize = 16 << 10;

const SEC_WEBSOCKET_ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");

/// Passes a 101 on, over HTTP/2 as the 200 that it is there (RFC 8441, 5), and connects the two sides once the client's has changed
/// too. A side that stops sending is passed on too; the tunnel ends when both have.
pub(super) fn open(
    mut exchange: Exchange,
    client: ClientUpgrade,
    answer: Box<UpstreamAnswer>,
    active: Active,
) -> Response<ResponseBody> {
    let UpstreamAnswer { response, incoming, present, guard, .. } = *answer;
    let (mut parts, ()) = response.into_parts();
    let upgrade = parts.headers.get(header::UPGRADE).cloned();
    headers::strip(&mut parts.headers, &present);
    if exchange.client.is_multiplexed() {
        (parts.status, parts.version) = (StatusCode::OK, Version::HTTP_2);
        parts.headers.remove(SEC_WEBSOCKET_ACCEPT);
        parts.headers.remove(header::CONTENT_LENGTH);
        exchange.note(|record| record.status = StatusCode::OK.as_u16());
    } else {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        if let Some(upgrade) = upgrade {
            parts.headers.insert(header::UPGRADE, upgrade);
        }
    }
    exchange.answered(parts.status);
    let tunnel = exchange.client.thread.registry.tunnel();
    tokio::task::spawn_local(async move {
        let Some((mut endpoint, endpoint_guard)) = incoming.into_tunnel().map(Tunnel::split) else { return };
        let copied = match client.changed().await {
            Some(ClientTunnel::Connection(client)) => copy(TokioIo::new(client), &mut endpoint).await,
            Some(ClientTunnel::Stream(client)) => copy(client, &mut endpoint).await,
            None => return,
        };
        if let Ok((received, sent)) = copied {
            exchange.note(|record| {
                record.bytes_in = received;
                record.bytes_out = sent;
            });
        }
        drop((active, guard, tunnel, endpoint_guard));
    });
    Response::from_parts(parts, ResponseBody::tunnel())
}

async fn copy(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    endpoint: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> io::Result<(u64, u64)> {
    copy_bidirectional_with_sizes(&mut client, endpoint, BUFFER, BUFFER).await
}

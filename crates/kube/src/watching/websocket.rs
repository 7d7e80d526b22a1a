//! A watch over a WebSocket: each event is a text frame.
//!
//! Source: RFC 6455; Kubernetes, `apiserver/pkg/endpoints/handlers/watch.go`. Clients in Java and browsers ask for it. What a client
//! sends is read for the frames that keep a connection or end it; there is nothing that it could say of a watch.

#[cfg(test)]
mod tests;

use std::io;
use std::pin::pin;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, BytesMut};
use futures::StreamExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::follow::Follow;
use crate::status::Failure;
use crate::view::Renderer;

/// What a server adds to a client's key before it hashes both.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a client may send in one frame, in bytes: it has nothing to say.
const MAX_FRAME: usize = 16 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Nothing is wrong: the watch has ended as watches do.
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const TOO_LARGE: u16 = 1009;

/// A client that wants to go on as a WebSocket.
pub(super) struct Handshake {
    accept: HeaderValue,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// What a request asks for: nothing, where it does not ask, or asks over a version of HTTP that has another way of it.
    pub(super) fn asked(parts: &Parts) -> Result<Option<Self>, Failure> {
        let headers = &parts.headers;
        let Some(upgrade) = parts.extensions.get::<OnUpgrade>().filter(|_| has(headers, &header::UPGRADE, "websocket"))
        else {
            return Ok(None);
        };
        if !has(headers, &header::CONNECTION, "upgrade") {
            return Err(Failure::bad_request("a WebSocket is asked for with Connection: Upgrade"));
        }
        if !has(headers, &header::SEC_WEBSOCKET_VERSION, "13") {
            return Err(Failure::bad_request("Sec-WebSocket-Version must be 13"));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
        if !STANDARD.decode(key).is_ok_and(|key| key.len() == 16) {
            return Err(Failure::bad_request("Sec-WebSocket-Key must be 16 bytes in base64"));
        }
        let accept = HeaderValue::from_str(&accept_of(key)).map_err(Failure::internal)?;
        Ok(Some(Self { accept, upgrade: upgrade.clone() }))
    }

    /// Goes on with the watch as frames once the connection is ready for them.
    pub(super) fn accept(self, follow: Follow<Renderer>) -> Response {
        tokio::spawn(async move {
            if let Ok(upgraded) = self.upgrade.await
                && let Err(error) = serve(TokioIo::<Upgraded>::new(upgraded), follow).await
            {
                tracing::debug!(%error, "a watch over a WebSocket broke");
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        response
    }
}

/// What a server answers to a key.
fn accept_of(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes()))
}

/// Whether a header has a token among its comma-separated ones.
fn has(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

/// Sends events until the watch or the client ends.
async fn serve(stream: impl AsyncRead + AsyncWrite, follow: Follow<Renderer>) -> io::Result<()> {
    let (read, mut write) = tokio::io::split(stream);
    let mut frames = Frames { read: pin!(read), buffer: BytesMut::new() };
    let mut chunks = pin!(follow.into_batches());
    loop {
        tokio::select! {
            chunk = chunks.next() => {
                let Some(chunk) = chunk else { return close(&mut write, NORMAL).await };
                let mut out = Vec::with_capacity(chunk.len() + 64);
                chunk.split_inclusive(|byte| *byte == b'\n').for_each(|line| frame(TEXT, line, &mut out));
                write.write_all(&out).await?;
                write.flush().await?;
            }
            received = frames.next() => match received? {
                Received::Ping(data) => {
                    let mut out = Vec::new();
                    frame(PONG, &data, &mut out);
                    write.write_all(&out).await?;
                    write.flush().await?;
                }
                Received::Other => {}
                Received::Close => return close(&mut write, NORMAL).await,
                Received::Wrong(code) => return close(&mut write, code).await,
                Received::End => return Ok(()),
            },
        }
    }
}

async fn close(write: &mut (impl AsyncWrite + Unpin), code: u16) -> io::Result<()> {
    let mut out = Vec::new();
    frame(CLOSE, &code.to_be_bytes(), &mut out);
    write.write_all(&out).await?;
    write.shutdown().await
}

/// Appends a frame, whole and unmasked, as a server sends them.
fn frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..126), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// What a client sends.
struct Frames<R> {
    read: R,
    buffer: BytesMut,
}

#[derive(Debug, PartialEq, Eq)]
enum Received {
    /// To be answered with the same.
    Ping(Vec<u8>),
    /// Nothing that matters.
    Other,
    /// It says goodbye.
    Close,
    /// It is no client of the protocol; the code says why.
    Wrong(u16),
    /// It is gone.
    End,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// The next frame. What has been read of it stays when this is dropped.
    async fn next(&mut self) -> io::Result<Received> {
        loop {
            if let Some(received) = parse(&mut self.buffer) {
                return Ok(received);
            }
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                return Ok(Received::End);
            }
        }
    }
}

/// Takes a frame off the front of `buffer`; `None` while it is not all there.
fn parse(buffer: &mut BytesMut) -> Option<Received> {
    let (first, second) = (*buffer.first()?, *buffer.get(1)?);
    let (head, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)).unwrap_or(usize::MAX)),
        length => (2, usize::from(length)),
    };
    if length > MAX_FRAME {
        return Some(Received::Wrong(TOO_LARGE));
    }
    let is_control = first & 0x08 != 0;
    // Clients mask what they send; no extension has been agreed on; control frames are short and whole.
    if second & 0x80 == 0 || first & 0x70 != 0 || (is_control && (length > 125 || first & 0x80 == 0)) {
        return Some(Received::Wrong(PROTOCOL_ERROR));
    }
    let mask: [u8; 4] = buffer.get(head..head + 4)?.try_into().ok()?;
    if buffer.len() < head + 4 + length {
        return None;
    }
    buffer.advance(head + 4);
    let payload = buffer.split_to(length);
    Some(match first & 0x0f {
        CLOSE => Received::Close,
        PING => Received::Ping(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()),
        0..=2 | PONG => Received::Other,
        _ => Received::Wrong(PROTOCOL_ERROR),
    })
}

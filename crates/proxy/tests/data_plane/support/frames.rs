//! HTTP/2, frame by frame: libraries do not let a test break off in the middle.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Raw, soon};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Kinds and flags of RFC 9113, 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
// Out of the static table (RFC 7541, A), but for the host.
const STATUS_200: &[u8] = &[0x88];
const POST: &[u8] = b"\x83\x86\x84\x41\x04test";

/// The setting SETTINGS_MAX_CONCURRENT_STREAMS.
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;

// Error codes of RFC 9113, 7.
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const CONNECT_ERROR: u32 = 10;
/// The last of them.
pub(crate) const HTTP_1_1_REQUIRED: u32 = 13;

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// The test's end of a connection. Requests are told apart by the order in which they come: heads are not decoded.
pub(crate) struct Frames {
    stream: TcpStream,
    /// Read while something else was awaited.
    early: VecDeque<Frame>,
}

impl Frames {
    /// A connection to the proxy.
    pub(crate) async fn connect(proxy: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(proxy).await.unwrap();
        stream.write_all(PREFACE).await.unwrap();
        Self::open(stream, &[]).await
    }

    /// Begins a request.
    pub(crate) async fn post(&mut self, stream: u32) {
        self.write(HEADERS, END_HEADERS, stream, POST).await;
    }

    /// The next connection, once the proxy keeps to `settings`.
    pub(crate) async fn accept(upstream: &Raw, settings: &[(u16, u32)]) -> Self {
        let (mut stream, _) = soon(upstream.0.accept()).await.unwrap();
        let mut preface = [0; PREFACE.len()];
        soon(stream.read_exact(&mut preface)).await.unwrap();
        assert_eq!(preface, PREFACE);
        Self::open(stream, settings).await
    }

    async fn open(stream: TcpStream, settings: &[(u16, u32)]) -> Self {
        stream.set_nodelay(true).unwrap();
        let mut frames = Self { stream, early: VecDeque::new() };
        frames.settle(settings).await;
        frames
    }

    /// Announces `settings`, and ends when the proxy keeps to them.
    pub(crate) async fn settle(&mut self, settings: &[(u16, u32)]) {
        self.write(SETTINGS, 0, 0, &encoded(settings)).await;
        self.take(|frame| frame.kind == SETTINGS && frame.flags & ACK != 0).await.expect("an acknowledgement");
    }

    /// The stream of the next request, once its head is there.
    pub(crate) async fn request(&mut self) -> u32 {
        self.take(|frame| frame.kind == HEADERS).await.expect("a request").stream
    }

    /// Waits for the head of the answer.
    pub(crate) async fn answered(&mut self, stream: u32) {
        self.take(|frame| frame.kind == HEADERS && frame.stream == stream).await.expect("an answer");
    }

    /// How the proxy ends the body of a request: well, or by a reset with this code.
    pub(crate) async fn end_of(&mut self, stream: u32) -> Result<(), u32> {
        let ends = |frame: &Frame| {
            frame.stream == stream && (frame.kind == RST_STREAM || frame.kind == DATA && frame.flags & END_STREAM != 0)
        };
        let end = self.take(ends).await.expect("the end of a request");
        if end.kind == DATA { Ok(()) } else { Err(u32::from_be_bytes(end.payload.try_into().unwrap())) }
    }

    /// The body of a request, which ends well.
    pub(crate) async fn body(&mut self, stream: u32) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let part = self.take(|frame| frame.stream == stream && frame.kind == DATA).await.expect("a request's body");
            body.extend(part.payload);
            if part.flags & END_STREAM != 0 {
                return body;
            }
        }
    }

    /// Begins to answer.
    pub(crate) async fn head(&mut self, stream: u32) {
        self.write(HEADERS, END_HEADERS, stream, STATUS_200).await;
    }

    pub(crate) async fn data(&mut self, stream: u32, data: &str) {
        self.write(DATA, 0, stream, data.as_bytes()).await;
    }

    /// Ends an answer.
    pub(crate) async fn end(&mut self, stream: u32) {
        self.write(DATA, END_STREAM, stream, &[]).await;
    }

    /// A whole answer.
    pub(crate) async fn answer(&mut self, stream: u32, body: &str) {
        self.head(stream).await;
        self.data(stream, body).await;
        self.end(stream).await;
    }

    pub(crate) async fn reset(&mut self, stream: u32, code: u32) {
        self.write(RST_STREAM, 0, stream, &code.to_be_bytes()).await;
    }

    /// Takes no more streams: those beyond `last` are not looked at.
    pub(crate) async fn go_away(&mut self, last: u32, code: u32) {
        let payload: Vec<u8> = last.to_be_bytes().into_iter().chain(code.to_be_bytes()).collect();
        self.write(GOAWAY, 0, 0, &payload).await;
    }

    /// Waits until the proxy closes the connection. Anything but a request may come before.
    pub(crate) async fn closed(&mut self) {
        assert!(self.take(|frame| frame.kind == HEADERS).await.is_none(), "no request is expected");
    }

    /// The first frame that is `wanted`, if it comes before the end.
    async fn take(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        if let Some(at) = self.early.iter().position(&wanted) {
            return self.early.remove(at);
        }
        loop {
            let frame = self.read().await?;
            match (frame.kind, frame.flags & ACK) {
                (SETTINGS, 0) => self.write(SETTINGS, ACK, 0, &[]).await,
                (PING, 0) => self.write(PING, ACK, 0, &frame.payload).await,
                _ if wanted(&frame) => return Some(frame),
                _ => self.early.push_back(frame),
            }
        }
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        soon(self.stream.read_exact(&mut head)).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        soon(self.stream.read_exact(&mut payload)).await.ok()?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    async fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        // The proxy may have closed by now, which is seen when reading.
        let _ = self.stream.write_all(&frame).await;
    }
}

fn encoded(settings: &[(u16, u32)]) -> Vec<u8> {
    settings.iter().flat_map(|(id, value)| id.to_be_bytes().into_iter().chain(value.to_be_bytes())).collect()
}

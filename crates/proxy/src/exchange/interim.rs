//! Interim answers (RFC 9110, 15.2), on their way to the client of a request.

use std::cell::Cell;
use std::rc::Rc;

use http::Response;

use super::ClientConnection;
use crate::activity::StreamActivity;

/// Where the interim answers to a request go.
#[derive(Debug)]
pub(crate) struct Interims {
    client: Rc<ClientConnection>,
    stream: Option<Rc<StreamActivity>>,
    /// Bytes of heads that may still be passed on: as many as one head may have. Nobody says when a client reads them.
    left: Cell<usize>,
}

impl Interims {
    pub(super) fn new(client: &Rc<ClientConnection>, stream: Option<&Rc<StreamActivity>>) -> Self {
        let left = Cell::new(client.thread.shared.limits.max_head_size);
        Self { client: Rc::clone(client), stream: stream.cloned(), left }
    }

    /// Sends an answer with a status of 1xx, but 101, to the client. It comes before the answer, or not at all.
    pub(crate) fn pass(&self, response: Response<()>) {
        let size = size(&response);
        let passed = size <= self.left.get()
            && match &self.stream {
                Some(stream) => {
                    stream.push_interim(response);
                    true
                }
                None => self.client.activity.push_interim(|bytes| encode(&response, bytes)),
            };
        if passed {
            self.left.set(self.left.get() - size);
        } else {
            self.client.thread.shared.metrics.interim_dropped.increment(1);
        }
    }
}

/// Bytes of a head, about as it is sent.
fn size(response: &Response<()>) -> usize {
    let lines = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    lines.sum::<usize>() + 64
}

/// Writes a head as HTTP/1.1 has it (RFC 9112, 4).
fn encode(response: &Response<()>, bytes: &mut Vec<u8>) {
    let status = response.status();
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
}

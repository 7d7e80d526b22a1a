//! A watch: events as they happen.

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use super::{Error, Server, Status};

/// A longer line is refused.
const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// The events of a watch.
#[derive(Debug)]
pub(crate) struct Watch {
    server: Server,
    body: Incoming,
    buffer: BytesMut,
    /// Bytes of the buffer that hold no end of line.
    searched: usize,
}

/// Something that happened to an object.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    /// `ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The object afterwards; for a deleted one, before.
    pub(crate) object: Value,
}

impl Watch {
    /// Reads events from a body.
    pub(crate) fn new(server: Server, body: Incoming) -> Self {
        Self { server, body, buffer: BytesMut::new(), searched: 0 }
    }

    /// The next event. `None` when the server ended the watch, as it does now and then.
    ///
    /// # Errors
    /// When the connection breaks, or the server reports an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                return self.decode(&line).map(Some);
            }
            self.searched = self.buffer.len();
            if self.searched > MAX_EVENT_BYTES {
                return Err(Error::TooLarge { server: self.server.clone(), limit: MAX_EVENT_BYTES });
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(Error::unreachable(&self.server, &error)),
                None => return Ok(None),
            }
        }
    }

    fn decode(&self, line: &[u8]) -> Result<Event, Error> {
        let event: Event = serde_json::from_slice(line).map_err(|source| self.malformed(&source))?;
        if event.kind == "ERROR" {
            let status = Status::deserialize(&event.object).map_err(|source| self.malformed(&source))?;
            return Err(Error::Refused(status));
        }
        Ok(event)
    }

    fn malformed(&self, source: &serde_json::Error) -> Error {
        Error::Malformed { server: self.server.clone(), path: " (watch)".to_owned(), reason: source.to_string() }
    }
}

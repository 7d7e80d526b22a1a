//! An answer that is kept once all of it is there.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use crate::cache::Cache;
use crate::stored::Stored;

/// Takes the body of an answer that is to be kept. One that is dropped before its end is not kept.
#[derive(Debug)]
pub struct Recorder {
    cache: Arc<Cache>,
    key: String,
    headers: HeaderMap,
    stored: Stored,
    /// Bytes that may still come; `None` when there were too many.
    left: Option<u64>,
    body: BytesMut,
}

impl Recorder {
    pub(crate) fn new(cache: Arc<Cache>, key: String, headers: HeaderMap, stored: Stored, limit: u64) -> Self {
        Self { cache, key, headers, stored, left: Some(limit), body: BytesMut::new() }
    }

    /// Takes a part of the body. `false` when there is no room for it: the answer is not kept, whatever else is handed in.
    pub fn take(&mut self, part: &[u8]) -> bool {
        let left = self.left.and_then(|left| left.checked_sub(part.len() as u64));
        if left.is_some() {
            self.body.extend_from_slice(part);
        } else if self.left.is_some() {
            self.cache.count_refusal();
            self.body = BytesMut::new();
        }
        self.left = left;
        left.is_some()
    }

    /// Keeps the answer with what was taken.
    pub fn finish(mut self) {
        if self.left.is_some() {
            let body = std::mem::take(&mut self.body).freeze();
            self.finish_with(body);
        }
    }

    /// Keeps the answer with a body that is there already.
    pub fn finish_with(mut self, body: Bytes) {
        self.stored.answer.body = body;
        self.cache.keep(&self.key, &self.headers, self.stored);
    }
}

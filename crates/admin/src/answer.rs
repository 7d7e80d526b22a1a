//! Answers of calls that have one.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue};
use prost::Message;
use tonic::Response;
use tonic::metadata::MetadataMap;

use crate::body::HEAD;

/// The header that has what of an object will hardly do what it seems to be for, one value for each.
const WARNING: &str = "backstay-warning";

/// All warnings of an answer together; clients bound the size of headers.
const MAX_WARNING_BYTES: usize = 4096;

/// An encoded message, and what goes with it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// With room before it for what stands there when it is sent, so that it is not copied for that.
    framed: Vec<u8>,
    warnings: Vec<String>,
}

impl Answer {
    /// A message without warnings.
    pub(crate) fn of(message: &impl Message) -> Self {
        let mut framed = Self::begin(message.encoded_len());
        // Only a buffer that cannot grow refuses.
        let _ = message.encode(&mut framed);
        Self::written(framed)
    }

    /// Where a message is written that will hardly have more than so many bytes: after what is there.
    pub(crate) fn begin(bytes: usize) -> Vec<u8> {
        let mut framed = Vec::with_capacity(HEAD + bytes);
        framed.extend_from_slice(&[0; HEAD]);
        framed
    }

    /// The message that has been written there.
    pub(crate) fn written(framed: Vec<u8>) -> Self {
        Self { framed, warnings: Vec::new() }
    }

    /// The message alone.
    pub(crate) fn message(&self) -> &[u8] {
        self.framed.get(HEAD..).unwrap_or_default()
    }

    /// The message as it is sent without compression.
    pub(crate) fn into_framed(mut self) -> Bytes {
        // No answer is as long: pages of lists end before.
        let length = u32::try_from(self.message().len()).unwrap_or(u32::MAX);
        if let Some([compressed, head @ ..]) = self.framed.first_chunk_mut::<HEAD>() {
            (*compressed, *head) = (0, length.to_be_bytes());
        }
        self.framed.into()
    }

    /// With warnings.
    pub(crate) fn warning(mut self, warnings: &[String]) -> Self {
        self.warnings.extend_from_slice(warnings);
        self
    }

    /// As tonic sends it; compressed, if the client likes, where it has more bytes than `gzip_over`.
    pub(crate) fn response(self, gzip_over: usize) -> Response<Bytes> {
        let mut headers = HeaderMap::new();
        self.add_warnings(&mut headers);
        let small = self.message().len() <= gzip_over;
        let message = Bytes::from(self.framed).slice(HEAD..);
        let mut response = Response::from_parts(MetadataMap::from_headers(headers), message, Extensions::default());
        if small {
            response.disable_compression();
        }
        response
    }

    /// Says what there is to warn of.
    pub(crate) fn add_warnings(&self, headers: &mut HeaderMap) {
        let mut left = MAX_WARNING_BYTES;
        for warning in &self.warnings {
            let printable: String =
                warning.chars().map(|character| if matches!(character, ' '..='~') { character } else { '?' }).collect();
            let Some(rest) = left.checked_sub(printable.len()) else { return };
            left = rest;
            if let Ok(value) = HeaderValue::try_from(printable) {
                headers.append(WARNING, value);
            }
        }
    }
}

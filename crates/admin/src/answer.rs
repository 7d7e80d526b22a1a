//! Answers of calls that have one.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue};
use tonic::Response;
use tonic::metadata::MetadataMap;

/// The header that has what of an object will hardly do what it seems to be for, one value for each.
const WARNING: &str = "backstay-warning";

/// All warnings of an answer together; clients bound the size of headers.
const MAX_WARNING_BYTES: usize = 4096;

/// An encoded message, and what goes with it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) message: Bytes,
    warnings: Vec<String>,
}

impl Answer {
    /// A message without warnings.
    pub(crate) fn of(message: impl Into<Bytes>) -> Self {
        Self { message: message.into(), warnings: Vec::new() }
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
        let small = self.message.len() <= gzip_over;
        let mut response =
            Response::from_parts(MetadataMap::from_headers(headers), self.message, Extensions::default());
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

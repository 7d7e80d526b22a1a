//! Answers of calls that have one.

use bytes::Bytes;
use tonic::Response;
use tonic::metadata::{MetadataMap, MetadataValue};

/// The header that has what of an object will hardly do what it seems to be for, one value for each.
const WARNING: &str = "backstay-warning";

/// All warnings of an answer together; clients bound the size of headers.
const MAX_WARNING_BYTES: usize = 4096;

/// An encoded message, and what goes with it.
#[derive(Debug)]
pub(crate) struct Answer {
    message: Bytes,
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
        let small = self.message.len() <= gzip_over;
        let mut response = Response::new(self.message);
        add_warnings(response.metadata_mut(), &self.warnings);
        if small {
            response.disable_compression();
        }
        response
    }
}

fn add_warnings(metadata: &mut MetadataMap, warnings: &[String]) {
    let mut left = MAX_WARNING_BYTES;
    for warning in warnings {
        let printable: String =
            warning.chars().map(|character| if matches!(character, ' '..='~') { character } else { '?' }).collect();
        let Some(rest) = left.checked_sub(printable.len()) else { return };
        left = rest;
        if let Ok(value) = MetadataValue::try_from(printable) {
            metadata.append(WARNING, value);
        }
    }
}

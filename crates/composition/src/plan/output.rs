//! What the client gets.

use std::time::Duration;

use http::HeaderMap;
use http::header::HeaderName;

use crate::encode::Encoder;

/// What the client gets.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// How the data is encoded.
    pub encoder: Encoder,
    /// Header fields of every response, failures included.
    pub headers: HeaderMap,
    /// The header field that tells whether the response is complete: `true` if there is data and every part of it arrived, else
    /// `false`. Empty data and answers that are passed through are `false`.
    pub completed: Option<HeaderName>,
    /// How long caches may keep a complete response, told in whole seconds, rounded down: `Cache-Control: public, max-age=…`. Zero says nothing.
    pub cache: Duration,
    /// What the body of a failure says.
    pub errors: ErrorBody,
}

/// What the body of a failure says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBody {
    /// Nothing: there is none.
    #[default]
    Empty,
    /// What went wrong; of a failure whose status is passed on, its body and content type.
    Message,
}

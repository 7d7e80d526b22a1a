//! From JSON to the response that a client asked for.

use std::io::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::accept::Encoding;
use crate::status::Failure;

/// JSON, whole or made chunk by chunk as the client reads it.
pub(crate) enum Json {
    Whole(Bytes),
    Chunks {
        chunks: Box<dyn Iterator<Item = Vec<u8>> + Send>,
        /// Roughly, all together, in bytes.
        size: usize,
    },
}

/// An answer, before it has its final form.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) json: Json,
    /// For `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, json: impl Into<Bytes>) -> Self {
        Self { status, json: Json::Whole(json.into()), warnings: Vec::new() }
    }
}

/// How a client wants the bytes of its answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) encoding: Encoding,
    pub(crate) pretty: bool,
    /// The least number of bytes to compress; `None` if the client does not accept gzip.
    pub(crate) gzip_over: Option<usize>,
}

impl Wire {
    pub(crate) fn new(headers: &HeaderMap, encoding: Encoding, pretty: bool, gzip_over: usize) -> Self {
        Self { encoding, pretty, gzip_over: accepts_gzip(headers).then_some(gzip_over) }
    }

    /// Gives a reply its final form.
    pub(crate) fn finish(self, reply: Reply) -> Response {
        let mut response = match self.body(reply.json) {
            Ok(response) => response,
            Err(failure) => return failure.into_response(),
        };
        *response.status_mut() = reply.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.encoding.content_type()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        add_warnings(headers, &reply.warnings);
        response
    }

    fn body(self, json: Json) -> Result<Response, Failure> {
        let needs_whole = self.pretty || self.encoding == Encoding::Yaml;
        let json = match json {
            Json::Chunks { chunks, size } if !needs_whole && size > SMALL => return Ok(self.stream(chunks, size)),
            Json::Chunks { chunks, .. } => chunks.flatten().collect::<Vec<u8>>().into(),
            Json::Whole(json) => json,
        };
        let bytes = if needs_whole { self.convert(&json)? } else { json };
        if self.gzip_over.is_some_and(|over| bytes.len() > over) {
            let size = bytes.len();
            return Ok(self.stream(Box::new(std::iter::once(bytes.to_vec())), size));
        }
        Ok(Response::new(Body::from(bytes)))
    }

    fn convert(self, json: &[u8]) -> Result<Bytes, Failure> {
        let value: Value = serde_json::from_slice(json).map_err(Failure::internal)?;
        let text = match self.encoding {
            Encoding::Yaml => serde_saphyr::to_string(&value).map_err(Failure::internal)?,
            Encoding::Json => serde_json::to_string_pretty(&value).map_err(Failure::internal)? + "\n",
        };
        Ok(text.into())
    }

    fn stream(self, chunks: Box<dyn Iterator<Item = Vec<u8>> + Send>, size: usize) -> Response {
        if self.gzip_over.is_none_or(|over| size <= over) {
            return Response::new(Body::from_stream(stream::iter(chunks.map(Ok::<_, std::io::Error>))));
        }
        let mut response = Response::new(Body::from_stream(stream::iter(Gzip::new(chunks))));
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }
}

/// Below this many bytes an answer is made whole, so that it has a length.
const SMALL: usize = 64 * 1024;

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// Compresses chunks as they come.
struct Gzip<I> {
    chunks: I,
    /// `None` once finished.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl<I> Gzip<I> {
    fn new(chunks: I) -> Self {
        Self { chunks, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }
}

impl<I: Iterator<Item = Vec<u8>>> Iterator for Gzip<I> {
    type Item = std::io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut encoder = self.encoder.take()?;
            let Some(chunk) = self.chunks.next() else {
                return Some(encoder.finish());
            };
            if let Err(error) = encoder.write_all(&chunk) {
                return Some(Err(error));
            }
            let compressed = std::mem::take(encoder.get_mut());
            self.encoder = Some(encoder);
            if !compressed.is_empty() {
                return Some(Ok(compressed));
            }
        }
    }
}

/// All warnings of an answer together; clients bound the size of headers.
const MAX_WARNING_BYTES: usize = 4096;

fn add_warnings(headers: &mut HeaderMap, warnings: &[String]) {
    let mut left = MAX_WARNING_BYTES;
    for warning in warnings {
        let mut quoted = String::with_capacity(warning.len() + 8);
        quoted.push_str("299 - \"");
        for c in warning.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                ' '..='~' => quoted.push(c),
                _ => quoted.push('?'),
            }
        }
        quoted.push('"');
        let Some(rest) = left.checked_sub(quoted.len()) else { return };
        left = rest;
        if let Ok(value) = HeaderValue::try_from(quoted) {
            headers.append(header::WARNING, value);
        }
    }
}

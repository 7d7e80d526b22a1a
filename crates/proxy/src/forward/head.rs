//! The head of a request on its way upstream, before a protocol is chosen.

use bytes::Bytes;
use http::uri::{self, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, header};

use crate::config::{Backend, Protocol};

/// A request's head. `Host` is among the headers.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
    pub(super) headers: HeaderMap,
    /// The body's length is not known: HTTP/1.1 must say so.
    pub(super) chunked: bool,
    /// The protocol to change to; HTTP/1.1 only.
    pub(super) upgrade: Option<HeaderValue>,
    /// The client understands trailers.
    pub(super) trailers: bool,
}

impl Head {
    /// The request as `backend` speaks it. `None` when the authority cannot be sent in HTTP/2.
    pub(super) fn into_request<B>(self, backend: &Backend, body: B) -> Option<Request<B>> {
        let mut request = Request::new(body);
        let mut headers = self.headers;
        match backend.protocol {
            Protocol::Http1 => {
                if self.chunked {
                    headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                }
                if let Some(upgrade) = self.upgrade {
                    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                    headers.insert(header::UPGRADE, upgrade);
                } else if self.trailers {
                    headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
                    headers.insert(header::TE, HeaderValue::from_static("trailers"));
                }
                *request.version_mut() = Version::HTTP_11;
                *request.uri_mut() = Uri::from(self.path);
            }
            Protocol::Http2 => {
                let host = headers.remove(header::HOST)?;
                if self.trailers {
                    headers.insert(header::TE, HeaderValue::from_static("trailers"));
                }
                let mut parts = uri::Parts::default();
                parts.scheme = Some(if backend.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP });
                parts.authority =
                    Some(uri::Authority::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())).ok()?);
                parts.path_and_query = Some(self.path);
                *request.version_mut() = Version::HTTP_2;
                *request.uri_mut() = Uri::from_parts(parts).ok()?;
            }
        }
        *request.method_mut() = self.method;
        *request.headers_mut() = headers;
        Some(request)
    }
}

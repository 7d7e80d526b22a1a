//! Answers.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// What is answered with 200.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) body: Value,
    /// Where the other pages of a list are.
    pub(crate) links: Option<String>,
    /// The body is text that is told as it is.
    pub(crate) text: Option<String>,
}

impl Reply {
    pub(crate) fn new(body: impl Into<Value>) -> Self {
        Self { body: body.into(), links: None, text: None }
    }

    /// To what leaves nothing to tell.
    pub(crate) fn done() -> Self {
        Self::new(json!({"status": "ok"}))
    }

    pub(crate) fn into_response(self) -> Response {
        if let Some(text) = self.text {
            let mut response = json_bytes(StatusCode::OK, text.into_bytes());
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            return response;
        }
        let mut response = json(StatusCode::OK, &self.body);
        if let Some(links) = self.links.and_then(|links| HeaderValue::try_from(links).ok()) {
            response.headers_mut().insert(LINK, links);
        }
        response
    }
}

/// JSON that nobody keeps and no browser takes for a page.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    json_bytes(status, body.to_string().into_bytes())
}

fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

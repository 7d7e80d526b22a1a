//! Refusals in the words of whoever asks.

use axum::body::Body;
use axum::response::Response;
use backstay_auth::{Attributes, User};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use tonic::{Code, Status};

use super::attributes::Dialect;

/// Whoever has failed too often may come again after so many seconds.
const RETRY_SECONDS: u32 = 1;

/// It is not known who has sent it.
pub(super) fn unauthorized(dialect: Dialect, why: &str) -> Response {
    let mut response = match dialect {
        Dialect::Grpc => grpc(Code::Unauthenticated, why),
        Dialect::Fastly => backstay_fastly::api::unauthorized(),
        Dialect::Kube => backstay_kube::unauthorized(),
    };
    if dialect != Dialect::Grpc {
        // RFC 6750, 3.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"backstay\""));
    }
    response
}

/// Too many credentials of its address were not taken.
pub(super) fn backed_off(dialect: Dialect, why: &str) -> Response {
    match dialect {
        Dialect::Grpc => grpc(Code::ResourceExhausted, why),
        Dialect::Fastly | Dialect::Kube => {
            let mut response = backstay_kube::come_again(why, RETRY_SECONDS);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            response
        }
    }
}

/// Whoever has sent it may not do that. Whoever has shown nothing is asked to, where a dialect does so.
pub(super) fn denied(dialect: Dialect, user: &User, asked: &Attributes<'_>, reason: &str) -> Response {
    let mut response = match dialect {
        Dialect::Grpc if !user.is_known() => grpc(Code::Unauthenticated, &asked.forbidden(user, reason)),
        Dialect::Grpc => grpc(Code::PermissionDenied, &asked.forbidden(user, reason)),
        Dialect::Fastly if !user.is_known() => return unauthorized(dialect, ""),
        Dialect::Fastly if !user.scopes.is_empty() => {
            backstay_fastly::api::denied(format!("The token's scope is '{}'", user.scope_names()))
        }
        Dialect::Fastly => backstay_fastly::api::denied(asked.forbidden(user, reason)),
        Dialect::Kube => backstay_kube::denied(user, asked, reason),
    };
    // It repeats what was sent, and is not to be taken for a page.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The request contradicts itself.
pub(super) fn bad_request(dialect: Dialect, why: &str) -> Response {
    match dialect {
        Dialect::Grpc => grpc(Code::InvalidArgument, why),
        Dialect::Fastly | Dialect::Kube => backstay_kube::refused(StatusCode::BAD_REQUEST, why),
    }
}

fn grpc(code: Code, why: &str) -> Response {
    Status::new(code, why).into_http::<Body>()
}

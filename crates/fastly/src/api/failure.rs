//! Answers to what cannot be done, in Fastly's words.

use axum::response::{IntoResponse, Response};
use backstay_store::{CommitError, ReadError};
use http::StatusCode;
use serde_json::json;

use super::reply;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: &'static str,
    pub(crate) detail: Option<String>,
}

impl Failure {
    fn new(status: StatusCode, message: &'static str, detail: impl Into<String>) -> Self {
        Self { status, message, detail: Some(detail.into()) }
    }

    /// Something about it is wrong.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", detail)
    }

    /// There is no such thing. `what` is how errors call it, `which` how it was looked for.
    pub(crate) fn not_found(what: &str, which: &[(&str, &str)]) -> Self {
        let which: String = which.iter().map(|(name, value)| format!(", {name} => {value}")).collect();
        Self::absent(format!("Couldn't find {what} '{{ deleted => 0000-00-00 00:00:00{which} }}'"))
    }

    /// There is no such thing, told in other words.
    pub(crate) fn absent(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Record not found", detail)
    }

    /// The service was deleted.
    pub(crate) fn deleted(service: &str) -> Self {
        Self::bad_request(format!("Service '{service}' is deleted"))
    }

    /// There is no such path.
    pub(crate) fn no_such_path(path: &str) -> Self {
        Self::absent(format!("Nothing is served at {path}"))
    }

    /// There is one of that name already.
    pub(crate) fn duplicate(what: &str, name: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "Duplicate record", format!("Duplicate {what}: '{name}'"))
    }

    /// The version's parts can no longer change.
    pub(crate) fn locked(service: &str, number: u32) -> Self {
        let detail = format!("Version '{number}' for service '{service}' is locked");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Version locked", detail)
    }

    /// The path is there, and the method is not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "The path does not take this method")
    }

    /// The token is missing or not taken.
    pub(crate) fn unauthorized() -> Self {
        let message = "Provided credentials are missing or invalid";
        Self { status: StatusCode::UNAUTHORIZED, message, detail: None }
    }

    /// The token may not do this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "You are not authorized to perform this action", detail)
    }

    /// The body is too large.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Bad request", format!("The body has more than {limit} bytes"))
    }

    /// The body did not arrive in time.
    pub(crate) fn slow_body() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "Bad request", "The body did not arrive in time")
    }

    /// More requests are open than may be.
    pub(crate) fn too_many_requests() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", "Too many requests are open; try again")
    }

    /// The token has written as much as it may in an hour.
    pub(crate) fn too_many_writes() -> Self {
        let message = "You have exceeded your hourly rate limit";
        Self { status: StatusCode::TOO_MANY_REQUESTS, message, detail: None }
    }

    /// Others changed the same all the time.
    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", "Others changed the same object; try again")
    }

    /// What is stored is not what it should be.
    pub(crate) fn damaged(key: &str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(key, %error, "a stored object cannot be read");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", format!("{key} cannot be read"))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", error.to_string())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } => Self::busy(),
            CommitError::Refused(why) => Self::bad_request(format!("It is too large: {why}")),
            CommitError::Unavailable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", error.to_string())
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = match &self.detail {
            Some(detail) => json!({"msg": self.message, "detail": detail}),
            None => json!({"msg": self.message}),
        };
        reply::json(self.status, &body)
    }
}

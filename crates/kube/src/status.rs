//! Failures as clients read them.
//!
//! Source: Kubernetes, `meta/v1` `Status` and `apimachinery/pkg/api/errors`: reasons, codes and sentences, which clients
//! compare and print.

mod store;

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backstay_auth::{Attributes, User};
use backstay_resources::{FieldError, Kind};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::ownership::{Conflict, MAX_TOLD};

/// An answer other than success. Boxed: results that carry it stay small.
#[derive(Debug, Clone)]
pub struct Failure(Box<Status>);

/// The `Status` object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    kind: &'static str,
    api_version: &'static str,
    metadata: ListMeta,
    status: &'static str,
    message: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    code: u16,
}

#[derive(Debug, Clone, Default, Serialize)]
struct ListMeta {
    #[serde(rename = "continue", skip_serializing_if = "String::is_empty")]
    next: String,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u32>,
}

/// One of the reasons of a [`Failure`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cause {
    /// Such as `FieldValueInvalid`.
    pub reason: String,
    /// Why.
    pub message: String,
    /// The path of the field at fault, in JSON; empty if it is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
}

/// The object that a [`Failure`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// Its API group; empty for the core group.
    pub group: &'a str,
    /// Its kind, or the plural of that.
    pub kind: &'a str,
    /// Empty where no object is meant.
    pub name: &'a str,
}

/// `backends.core.apoxy.dev`, as messages name a resource.
fn resource_of(kind: &Kind) -> String {
    kind.resource()
}

impl Failure {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Status {
            kind: "Status",
            api_version: "v1",
            metadata: ListMeta::default(),
            status: "Failure",
            message: message.into(),
            reason,
            details: None,
            code: code.as_u16(),
        }))
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let details = self.0.details.get_or_insert_default();
        (details.group, details.kind, details.name) = (group.to_owned(), kind.to_owned(), name.to_owned());
        self
    }

    fn cause(mut self, reason: &str, message: impl Into<String>, field: &str) -> Self {
        let cause = Cause { reason: reason.to_owned(), message: message.into(), field: field.to_owned() };
        self.0.details.get_or_insert_default().causes.push(cause);
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.details.get_or_insert_default().retry_after_seconds = Some(seconds);
        self
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 403: nobody may do that to this object.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", resource_of(kind));
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).about(kind.group, kind.plural, name)
    }

    /// 401: it is not known who has sent it.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// 403: whoever has sent it may not do that.
    #[must_use]
    pub fn denied(user: &User, asked: &Attributes<'_>, reason: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", asked.forbidden(user, reason)).about(
            &asked.group,
            &asked.resource,
            &asked.name,
        )
    }

    /// 403: nothing can be created in a namespace that is going away.
    pub(crate) fn terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        Self::forbidden(kind, name, &why).cause(
            "NamespaceTerminating",
            format!("namespace {namespace} is being terminated"),
            "metadata.namespace",
        )
    }

    /// 400, 403 or 415, of what is refused before it reaches this dialect.
    pub(crate) fn refused(code: StatusCode, message: impl Into<String>) -> Self {
        let reason = match code {
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
            _ => "BadRequest",
        };
        Self::new(code, reason, message)
    }

    /// 404: nothing is served at this path.
    pub fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
            .about("", "", "")
    }

    /// 404: the object does not exist.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", resource_of(kind));
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(kind.group, kind.plural, name)
    }

    /// 405: the path is served, for other methods.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// 406: no form of answer that the client accepts can be given.
    pub(crate) fn not_acceptable(accepted: &str) -> Self {
        let message = format!("only the following media types are accepted: {accepted}");
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    /// 408: the client did not send its request in time.
    pub(crate) fn slow_body(limit: Duration) -> Self {
        let message = format!("Timeout: the request body did not arrive within {} seconds", limit.as_secs_f32());
        Self::new(StatusCode::REQUEST_TIMEOUT, "Timeout", message)
    }

    /// 409: an object of this name exists.
    pub(crate) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource_of(kind));
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(kind.group, kind.plural, name)
    }

    /// 409: the object has changed since the client read it.
    pub(crate) fn modified(kind: &Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// 409: what the client expects of the object does not hold.
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource_of(kind));
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(kind.group, kind.plural, name)
    }

    /// 409: others own what is applied with another value.
    pub(crate) fn apply_conflicts(conflicts: &[Conflict]) -> Self {
        let failure = Self::new(StatusCode::CONFLICT, "Conflict", Conflict::message(conflicts));
        conflicts.iter().take(MAX_TOLD).fold(failure, |failure, conflict| {
            let message = format!("conflict with {}", conflict.manager);
            failure.cause("FieldManagerConflict", message, &conflict.field())
        })
    }

    /// 410: a page or a watch needs history that is gone.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// Offers a token to go on from, inconsistently.
    pub(crate) fn with_continue(mut self, token: String) -> Self {
        self.0.metadata.next = token;
        self
    }

    /// 413: the body, or what it asks for, is too large.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// 415: the body is of a type that is not read here.
    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// 422: fields are wrong; all of them are named.
    pub(crate) fn invalid(kind: &Kind, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_named(kind.group, kind.kind, name, errors)
    }

    /// 422 about something that is not a served kind, such as the options of a list.
    pub(crate) fn invalid_options(options: &str, errors: &[FieldError]) -> Self {
        Self::invalid_named("meta.k8s.io", options, "", errors)
    }

    fn invalid_named(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let list = match errors {
            [one] => one.to_string(),
            many => format!("[{}]", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        };
        let subject = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let message = format!("{subject} {name:?} is invalid: {list}");
        let failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(group, kind, name);
        errors.iter().fold(failure, |failure, error| {
            failure.cause(error.reason.cause(), error.message.as_str(), error.path.as_str())
        })
    }

    /// 422: a patch cannot be applied to the object as it is. Why is a cause as well: of what is invalid, kubectl shows causes alone.
    pub(crate) fn patch_failed(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("the server rejected our request due to an error in our request: {why}");
        let failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        failure.about(kind.group, kind.plural, name).cause("FieldValueInvalid", why, "patch")
    }

    /// 429: as many requests of this sort as allowed are being served.
    pub(crate) fn too_many_requests() -> Self {
        let message = "Too many requests, please try again later.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).retry_after(1)
    }

    /// 429: it must come again later.
    pub(crate) fn come_again(message: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).retry_after(seconds)
    }

    /// 500: a fault of the server.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        let message = format!("Internal error occurred: {message}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// 503: the store cannot be reached now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message).retry_after(1)
    }

    /// 504: the request took too long.
    pub fn timeout() -> Self {
        let message = "Timeout: request did not complete within the allotted timeout";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message)
    }

    /// 504: the client knows a version that the store has not reached.
    pub(crate) fn future_version(requested: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {requested}, current: {current}");
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message)
            .cause("ResourceVersionTooLarge", "Too large resource version", "")
            .retry_after(1)
    }

    /// Whether it says that there is no such object.
    pub(crate) fn is_not_found(&self) -> bool {
        self.0.code == StatusCode::NOT_FOUND.as_u16()
    }

    /// Whether it is a conflict with another writer.
    pub(crate) fn is_conflict(&self) -> bool {
        self.0.reason == "Conflict"
    }

    /// Whether it says that there is such an object.
    pub(crate) fn is_already_exists(&self) -> bool {
        self.0.reason == "AlreadyExists"
    }

    /// 400 that names a field of what was asked.
    #[must_use]
    pub fn bad_field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::bad_request(format!("{field}: {message}")).cause("FieldValueInvalid", message, field)
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The code of HTTP.
    #[must_use]
    pub fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Kubernetes' word for it, such as `AlreadyExists`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// What it is about, if that is known.
    #[must_use]
    pub fn object(&self) -> Option<About<'_>> {
        let details = self.0.details.as_ref().filter(|details| !details.kind.is_empty())?;
        Some(About { group: &details.group, kind: &details.kind, name: &details.name })
    }

    /// All that is wrong, where that is more than one sentence.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        self.0.details.as_ref().map_or(&[], |details| &details.causes)
    }

    /// When to try again, if that may help.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        let seconds = self.0.details.as_ref()?.retry_after_seconds?;
        Some(Duration::from_secs(seconds.into()))
    }

    /// The `Status` as JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.code();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        if let Some(seconds) = self.0.details.as_ref().and_then(|details| details.retry_after_seconds) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

//! Failures as gRPC has them: a code, the sentence, and details that programs read (`google.rpc.Status`).

use std::collections::HashMap;

use backstay_kube::{Cause, Failure};
use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::filter::snake;
use crate::transcode::decode::DecodeError;

/// Whose reasons are told in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "backstay.dev";

/// A failure of a request whose object is in the field `object`, empty if it has none.
pub(crate) fn of(failure: &Failure, object: &str) -> Status {
    let mut details = ErrorDetails::new();
    let http = failure.code();
    let metadata = HashMap::from([("code".to_owned(), http.as_u16().to_string())]);
    details.set_error_info(snake(failure.reason()).to_ascii_uppercase(), DOMAIN, metadata);
    if let Some(about) = failure.object().filter(|about| !about.name.is_empty()) {
        let kind =
            if about.group.is_empty() { about.kind.to_owned() } else { format!("{}.{}", about.kind, about.group) };
        details.set_resource_info(kind, about.name, "", failure.message());
    }
    if let Some(delay) = failure.retry_delay() {
        details.set_retry_info(Some(delay));
    }
    for Cause { reason, message, field } in failure.causes() {
        if http == StatusCode::CONFLICT || http == StatusCode::FORBIDDEN {
            details.add_precondition_failure_violation(reason, field_of(object, field), message);
        } else if !field.is_empty() || http == StatusCode::UNPROCESSABLE_ENTITY {
            details.add_bad_request_violation(field_of(object, field), message);
        }
    }
    Status::with_error_details(code(failure), failure.message(), details)
}

/// A message that cannot be read.
pub(crate) fn malformed(error: &DecodeError, object: &str) -> Status {
    let field = if error.path.is_empty() { object.to_owned() } else { format!("{object}.{}", error.path) };
    let sentence = format!("{field}: {}", error.fault);
    let mut details = ErrorDetails::with_bad_request_violation(field, error.fault.to_string());
    details.set_error_info("BAD_REQUEST", DOMAIN, HashMap::new());
    Status::with_error_details(Code::InvalidArgument, sentence, details)
}

/// The code for what HTTP has another for.
fn code(failure: &Failure) -> Code {
    match (failure.code(), failure.reason()) {
        (StatusCode::CONFLICT, "AlreadyExists") => Code::AlreadyExists,
        // Another was faster, or owns what is applied.
        (StatusCode::CONFLICT, _) => Code::Aborted,
        (StatusCode::FORBIDDEN, _) if !failure.causes().is_empty() => Code::FailedPrecondition,
        (StatusCode::UNAUTHORIZED, _) => Code::Unauthenticated,
        (StatusCode::FORBIDDEN, _) => Code::PermissionDenied,
        (StatusCode::NOT_FOUND, _) => Code::NotFound,
        (StatusCode::METHOD_NOT_ALLOWED, _) => Code::Unimplemented,
        (StatusCode::GONE, _) => Code::OutOfRange,
        (StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS, _) => Code::ResourceExhausted,
        (StatusCode::REQUEST_TIMEOUT, _) => Code::DeadlineExceeded,
        // A revision that the store has not reached: it may soon.
        (StatusCode::GATEWAY_TIMEOUT, _) if failure.retry_delay().is_some() => Code::Unavailable,
        (StatusCode::GATEWAY_TIMEOUT, _) => Code::DeadlineExceeded,
        (StatusCode::SERVICE_UNAVAILABLE, _) => Code::Unavailable,
        (code, _) if code.is_client_error() => Code::InvalidArgument,
        _ => Code::Internal,
    }
}

/// The path of a field in a request, from that in JSON. Of a request without a message for its object, that in JSON itself.
fn field_of(object: &str, json: &str) -> String {
    let json = json.strip_prefix('.').unwrap_or(json);
    let is_of_object = json.split(['.', '[']).next().is_some_and(|first| OF_OBJECTS.contains(&first));
    if object.is_empty() || !is_of_object {
        return json.to_owned();
    }
    let path = snake(json.strip_prefix("metadata.").unwrap_or(json));
    format!("{object}.{path}")
}

/// What paths of fields of objects begin with.
const OF_OBJECTS: [&str; 8] = ["metadata", "spec", "status", "data", "stringData", "type", "immutable", "apiVersion"];

#[cfg(test)]
mod tests;

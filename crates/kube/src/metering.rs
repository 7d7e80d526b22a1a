//! What the API counts.

use http::{Method, StatusCode};
use metrics::{counter, gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::path::Target;
use crate::status::Failure;

/// Requests, by method, resource and code of the answer.
const REQUESTS: &str = "backstay_api_requests_total";
/// Requests that were answered 429, by the limit that they met.
const LIMITED: &str = "backstay_api_limited_total";
/// Watches that are running.
const WATCHES: &str = "backstay_api_watches";

/// Counts a request. Only what is served becomes a label, so that nobody can make labels up.
pub(crate) fn answered(method: &Method, target: Option<&Target>, status: StatusCode) {
    let resource = match target {
        Some(Target::Collection(collection)) => collection.served.resource.clone(),
        Some(Target::Object { served, .. }) => served.resource.clone(),
        _ => String::new(),
    };
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    counter!(REQUESTS, "method" => method, "resource" => resource, "code" => status.as_u16().to_string()).increment(1);
}

/// Lets a request pass, or answers 429. `limit` is the name of the setting.
pub(crate) fn admit<'a>(permits: &'a Semaphore, limit: &'static str) -> Result<SemaphorePermit<'a>, Failure> {
    permits.try_acquire().map_err(|_| limited(limit))
}

/// 429 for a limit that is reached.
pub(crate) fn limited(limit: &'static str) -> Failure {
    counter!(LIMITED, "limit" => limit).increment(1);
    Failure::too_many_requests()
}

/// A watch that is running.
#[derive(Debug)]
pub(crate) struct Watching {
    _permit: OwnedSemaphorePermit,
}

impl Watching {
    /// Counts a watch until it is dropped.
    pub(crate) fn new(permit: OwnedSemaphorePermit) -> Self {
        gauge!(WATCHES).increment(1.0);
        Self { _permit: permit }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        gauge!(WATCHES).decrement(1.0);
    }
}

//! When a request is sent again.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{self, MAX_LIST};
use super::words;
use crate::GoDuration;
use crate::field::{FieldError, FieldPath, Findings};

/// The names of failures after which a request can be sent again.
pub const RETRY_ON: [&str; 14] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "refused-stream",
    "retriable-4xx",
    "retriable-status-codes",
    "retriable-headers",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

const BY_STATUS: &str = "retriable-status-codes";
const BY_HEADER: &str = "retriable-headers";
const MAX_ATTEMPTS: u32 = 100;

/// When a request is sent again. Without this section: to the next endpoint, three in all, while no connection can be
/// opened, and on a new connection when a kept one turned out to be closed. With it, a connection that cannot be opened is
/// for `connect-failure` and its like to cover. Envoy: `retry_policy` of the route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Retries {
    /// After what, at least one of: `5xx`, `gateway-error` (502, 503, 504), `reset`, `reset-before-request`,
    /// `connect-failure`, `refused-stream`, `retriable-4xx` (409), `retriable-status-codes`, `retriable-headers`, and for
    /// gRPC `cancelled`, `deadline-exceeded`, `internal`, `resource-exhausted`, `unavailable`. Envoy: `retry_on`.
    // Not `on`, which is `true` to parsers of YAML 1.1, kubectl's among them.
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub retry_on: Vec<String>,
    /// How often at most, after the first attempt. 1 to 100, default 1. Envoy: `num_retries`. Fastly: `retries` of a
    /// director.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// For each attempt until the head of its answer. Default: no limit but timeouts.total. Envoy: `per_try_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_try_timeout: Option<GoDuration>,
    /// For each attempt without any progress. Default: no limit. Envoy: `per_try_idle_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_try_idle_timeout: Option<GoDuration>,
    /// How long is waited before an attempt: a random time that doubles at most each time. Envoy: `retry_back_off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off: Option<BackOff>,
    /// Statuses, 100 to 599, for `retriable-status-codes`. Envoy: `retriable_status_codes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub retriable_statuses: Vec<u32>,
    /// Names of headers, any of which is in the answer, for `retriable-headers`. Envoy: `retriable_headers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub retriable_headers: Vec<String>,
    /// Whether an endpoint that was not tried yet is preferred. Default false. Envoy: `previous_hosts`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub avoid_previous_hosts: bool,
    /// The longest wait that the header Retry-After of an answer can ask for; a longer one is not heeded. Default: the
    /// header is not heeded. Envoy: `rate_limited_retry_back_off.max_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retry_after: Option<GoDuration>,
    /// Whether the header `x-envoy-attempt-count` tells endpoints the number of the attempt, from 1, and clients that of the
    /// last. Default false. Envoy: `include_request_attempt_count`, `include_attempt_count_in_response`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub count_attempts: bool,
}

/// How long is waited before an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BackOff {
    /// The longest wait before the second attempt. Default 25ms. Envoy: `base_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<GoDuration>,
    /// The longest wait of all. Default ten times the base. Envoy: `max_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<GoDuration>,
}

impl BackOff {
    /// What an absent base is.
    const BASE: GoDuration = GoDuration(std::time::Duration::from_millis(25));
}

impl Retries {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        self.conditions(path, findings);
        if let Some(attempts) = self.attempts {
            findings.within(&path.child("attempts"), attempts, &(1..=MAX_ATTEMPTS));
        }
        bounds::positive(self.per_try_timeout, &path.child("perTryTimeout"), findings);
        bounds::positive(self.per_try_idle_timeout, &path.child("perTryIdleTimeout"), findings);
        if let Some(BackOff { base, max }) = &self.back_off {
            let path = path.child("backOff");
            bounds::positive(*base, &path.child("base"), findings);
            bounds::positive(*max, &path.child("max"), findings);
            let base = base.unwrap_or(BackOff::BASE);
            bounds::not_shorter(*max, Some(base), "base", &path.child("max"), findings);
        }
        bounds::positive(self.max_retry_after, &path.child("maxRetryAfter"), findings);
    }

    fn conditions(&self, path: &FieldPath, findings: &mut Findings) {
        let on = path.child("retryOn");
        if self.retry_on.is_empty() {
            findings.required(&on, "at least one failure after which a request is sent again");
        }
        if findings.most(&on, self.retry_on.len(), MAX_LIST) {
            let mut seen = HashSet::new();
            for (index, name) in self.retry_on.iter().enumerate() {
                findings.one_of(&on.index(index), name, &RETRY_ON);
                if !seen.insert(name) {
                    findings.add(FieldError::duplicate(on.index(index), name));
                }
            }
        }
        let statuses = path.child("retriableStatuses");
        self.goes_with(BY_STATUS, self.retriable_statuses.is_empty(), &statuses, findings);
        if findings.most(&statuses, self.retriable_statuses.len(), MAX_LIST) {
            for (index, status) in self.retriable_statuses.iter().enumerate() {
                findings.within(&statuses.index(index), *status, &(100..=599));
            }
        }
        let headers = path.child("retriableHeaders");
        self.goes_with(BY_HEADER, self.retriable_headers.is_empty(), &headers, findings);
        if findings.most(&headers, self.retriable_headers.len(), MAX_LIST) {
            for (index, name) in self.retriable_headers.iter().enumerate() {
                words::header_name(name, &headers.index(index), findings);
            }
        }
    }

    /// A condition and the list that it needs are both there, or neither.
    fn goes_with(&self, condition: &str, is_empty: bool, list: &FieldPath, findings: &mut Findings) {
        match (self.retry_on.iter().any(|name| name == condition), is_empty) {
            (true, true) => findings.required(list, &format!("retryOn has {condition}")),
            (false, false) => findings.forbidden(list, &format!("has no effect unless retryOn has {condition}")),
            _ => {}
        }
    }
}

//! How much may be under way at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use crate::field::{FieldPath, Findings};

/// How much may be under way at once, in each proxy; what is above waits for a connection, or is refused. Envoy:
/// `circuit_breakers`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Limits {
    /// Connections. Each data thread may have one to each endpoint, whatever the limit. At least 1, default 1024. Envoy:
    /// `max_connections`. Fastly: `max_conn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// Whether `connections` bounds requests under way as well: one more is answered 503 at once, in place of waiting. For the
    /// protocols of HTTP/1.1. Default false. Fastly: always so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reject_when_full: bool,
    /// Requests that wait for a connection. One whose own is being opened is shown among them, but bounded by `connections`; with
    /// 0, none may wait even for that. Default 1024. Envoy: `max_pending_requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_requests: Option<u32>,
    /// Requests. At least 1. Default: no limit, where Envoy has 1024. Envoy: `max_requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Retries. Default 3. Not with retryBudget. Envoy: `max_retries`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Retries as a share of the requests that are under way. Default: none. Envoy: `retry_budget`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<RetryBudget>,
    /// Connections to one endpoint. At least 1. Default: no limit. Envoy: `per_host_thresholds.max_connections`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_per_endpoint: Option<u32>,
}

/// Retries as a share of the requests that are under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct RetryBudget {
    /// The share in percent: 0 to 100. Default 20. Envoy: `budget_percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// So many retries are always allowed. Default 3. Envoy: `min_retry_concurrency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u32>,
}

impl Limits {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        bounds::number(self.connections, 1, &path.child("connections"), findings);
        bounds::number(self.requests, 1, &path.child("requests"), findings);
        bounds::number(self.connections_per_endpoint, 1, &path.child("connectionsPerEndpoint"), findings);
        let Some(budget) = &self.retry_budget else { return };
        if self.retries.is_some() {
            findings.forbidden(&path.child("retries"), "retries and retryBudget cannot be specified together");
        }
        if let Some(percent) = budget.percent {
            findings.within(&path.child("retryBudget").child("percent"), percent, &(0.0..=100.0));
        }
    }
}

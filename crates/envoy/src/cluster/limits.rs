//! Circuit breakers.

use backstay_balancer::Limits;
use envoy_types::pb::envoy::config::cluster::v3::CircuitBreakers;
use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::{Thresholds, thresholds};

use super::bound;
use crate::wire::{number, percent};

pub(crate) fn circuit_breakers(limits: &Limits) -> CircuitBreakers {
    let budget = limits.retry_budget.as_ref().map(|budget| thresholds::RetryBudget {
        budget_percent: percent(budget.percent),
        min_retry_concurrency: number(budget.minimum),
        ..Default::default()
    });
    let all = Thresholds {
        max_connections: bound(limits.connections),
        max_pending_requests: bound(limits.pending_requests),
        max_requests: bound(limits.requests),
        max_retries: bound(limits.retries).filter(|_| budget.is_none()),
        retry_budget: budget,
        ..Default::default()
    };
    let of_each = limits
        .connections_per_endpoint
        .map(|connections| Thresholds { max_connections: number(connections), ..Default::default() });
    CircuitBreakers { thresholds: vec![all], per_host_thresholds: of_each.into_iter().collect() }
}

//! When a request is sent again.

use std::time::Duration;

use backstay_balancer::{RetryOn, RetryPolicy};
use backstay_model::Retry;
use envoy_types::pb::envoy::config::route::v3 as pb;
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
use pb::header_matcher::HeaderMatchSpecifier;
use pb::retry_policy::retry_host_predicate::ConfigType;
use pb::retry_policy::{RateLimitedRetryBackOff, ResetHeader, ResetHeaderFormat, RetryBackOff, RetryHostPredicate};

use crate::wire::{any, duration, number};

/// How often another endpoint is looked for than those that were tried.
const HOSTS_TRIED: i64 = 5;

/// What a backend does that says nothing of retries: an endpoint that cannot be connected to is passed over, and what no endpoint has looked at
/// is sent again.
pub(super) fn usual() -> pb::RetryPolicy {
    pb::RetryPolicy {
        retry_on: "connect-failure,refused-stream,reset-before-request".to_owned(),
        num_retries: number(2),
        retry_host_predicate: vec![another()],
        host_selection_retry_max_attempts: HOSTS_TRIED,
        ..Default::default()
    }
}

/// `attempt` bounds each attempt as well.
pub(super) fn policy(retry: &Retry, attempt: Option<Duration>) -> pb::RetryPolicy {
    let RetryPolicy {
        on,
        attempts,
        retriable_statuses,
        retriable_headers,
        back_off_base,
        back_off_max,
        max_retry_after,
    } = &retry.policy;
    let names = RetryOn::names().filter(|name| RetryOn::named(name).is_some_and(|named| on.has(named)));
    let per_try = retry.per_try_timeout.into_iter().chain(attempt).min();
    let seconds = ResetHeader { name: "Retry-After".to_owned(), format: ResetHeaderFormat::Seconds.into() };
    let present = |name: &String| pb::HeaderMatcher {
        name: name.clone(),
        header_match_specifier: Some(HeaderMatchSpecifier::PresentMatch(true)),
        ..Default::default()
    };
    pb::RetryPolicy {
        retry_on: names.collect::<Vec<_>>().join(","),
        num_retries: number(*attempts),
        per_try_timeout: per_try.and_then(duration),
        per_try_idle_timeout: retry.per_try_idle_timeout.and_then(duration),
        retry_host_predicate: retry.avoid_previous_hosts.then(another).into_iter().collect(),
        host_selection_retry_max_attempts: if retry.avoid_previous_hosts { HOSTS_TRIED } else { 0 },
        retriable_status_codes: retriable_statuses.iter().map(|status| u32::from(*status)).collect(),
        retriable_headers: retriable_headers.iter().map(present).collect(),
        retry_back_off: Some(RetryBackOff {
            base_interval: duration(*back_off_base),
            max_interval: back_off_max.and_then(duration),
        }),
        rate_limited_retry_back_off: max_retry_after
            .map(|longest| RateLimitedRetryBackOff { reset_headers: vec![seconds], max_interval: duration(longest) }),
        ..Default::default()
    }
}

fn another() -> RetryHostPredicate {
    RetryHostPredicate {
        name: "envoy.retry_host_predicates.previous_hosts".to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(&PreviousHostsPredicate {}))),
    }
}

//! Rates, breakers and caches.

use std::sync::Arc;

use backstay_balancer::CircuitSettings;
use backstay_proto::config;

use super::{AnswerCache, Breaker, RateLimit};
use crate::fault::{Checked, Together, refuse};
use crate::scalar::{limit, positive};

fn key(key: &str) -> Checked<Arc<str>> {
    if key.is_empty() { refuse("key", "must not be empty") } else { Ok(key.into()) }
}

pub(super) fn breaker(message: &config::Breaker) -> Checked<Breaker> {
    let timeout = positive("timeout", message.timeout).and_then(|timeout| match timeout {
        Some(timeout) => Ok(timeout),
        None => refuse("timeout", "must be set"),
    });
    let (key, interval, timeout) = (key(&message.key), limit("interval", message.interval), timeout).together()?;
    let interval = interval.unwrap_or_default();
    let settings = CircuitSettings { max_errors: message.max_errors, interval, timeout };
    Ok(Breaker { key, settings, logs_changes: message.log_changes })
}

pub(super) fn rate(message: &config::RateLimit) -> Checked<RateLimit> {
    let rate = message.rate;
    let rate = if rate.is_finite() && rate > 0.0 { Ok(rate) } else { refuse("rate", "must be more than 0") };
    let every = positive("every", message.every).and_then(|every| match every {
        Some(every) => Ok(every),
        None => refuse("every", "must be set"),
    });
    let capacity = if message.capacity == 0 { refuse("capacity", "must be at least 1") } else { Ok(message.capacity) };
    let (key, rate, every, capacity) = (key(&message.key), rate, every, capacity).together()?;
    Ok(RateLimit { key, rate, every, capacity })
}

pub(super) fn cache(message: &config::AnswerCache) -> Checked<AnswerCache> {
    let max_bytes = Some(message.max_bytes).filter(|bytes| *bytes > 0);
    Ok(AnswerCache { key: key(&message.key)?, max_bytes, max_items: message.max_items })
}

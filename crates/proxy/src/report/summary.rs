//! What there is to tell of backends.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_balancer::Health;
use backstay_proto::report::{BackendHealth, ReportHealthRequest};
use backstay_upstream::{Backend, Endpoints};

use crate::control::BackendView;

#[cfg(test)]
mod tests;

/// Backends of which something is to be told.
pub(crate) type Summary = BTreeMap<Arc<str>, BackendHealth>;

/// What there is to tell of these backends. Of most there is nothing: nobody checks them, and all of them is used.
pub(crate) fn of<'a>(backends: impl Iterator<Item = BackendView<'a>>) -> Summary {
    backends.filter_map(|view| Some((Arc::clone(view.name), health(&view)?))).collect()
}

fn health(view: &BackendView<'_>) -> Option<BackendHealth> {
    // One without endpoints of its own, and one that waits, has no health.
    let (backend, endpoints) = (view.backend?, view.endpoints.as_deref()?);
    let mut health = BackendHealth { backend: view.name.to_string(), ..BackendHealth::default() };
    let set = endpoints.set();
    for index in 0..endpoints.len() {
        match set.health(index) {
            Some(Health::Healthy) => health.healthy += 1,
            Some(Health::Degraded) => health.degraded += 1,
            Some(Health::Unhealthy) => {
                health.unhealthy += 1;
                if health.reason.is_empty() {
                    health.reason = reason(backend, endpoints, index);
                }
            }
            None => {}
        }
    }
    if endpoints.is_empty() {
        "its name has no address".clone_into(&mut health.reason);
    }
    let is_watched = !backend.policy.health.is_empty() || backend.detector().is_some();
    (is_watched || !health.reason.is_empty()).then_some(health)
}

/// Why an endpoint gets no requests.
fn reason(backend: &Backend, endpoints: &Endpoints, index: usize) -> String {
    let Some(endpoint) = endpoints.get(index) else { return String::new() };
    let why = match endpoints.set().state(index) {
        Some(state) if state.is_ejected() => "ejected as an outlier".to_owned(),
        Some(state) if state.has_failed_check() => {
            let failed = backend.last_errors().failed_checks((endpoint.address, endpoint.port));
            match failed.first() {
                Some((_, why)) => format!("its check failed: {why}"),
                None => "its checks have not passed yet".to_owned(),
            }
        }
        _ => "stated by its configuration".to_owned(),
    };
    format!("{}: {why}", endpoint.address)
}

/// Messages that tell what is in `now` and was not so in `told`, with at most so many backends each.
pub(super) fn changes(told: &Summary, now: &Summary, most: usize) -> Vec<ReportHealthRequest> {
    let changed: Vec<BackendHealth> = now
        .iter()
        .filter(|(name, health)| told.get(*name) != Some(*health))
        .map(|(_, health)| health.clone())
        .collect();
    let forgotten: Vec<String> = told.keys().filter(|name| !now.contains_key(*name)).map(ToString::to_string).collect();
    let changed = changed
        .chunks(most)
        .map(|backends| ReportHealthRequest { backends: backends.to_vec(), ..ReportHealthRequest::default() });
    let forgotten = forgotten
        .chunks(most)
        .map(|forgotten| ReportHealthRequest { forgotten: forgotten.to_vec(), ..ReportHealthRequest::default() });
    // What is gone makes room for what comes.
    forgotten.chain(changed).collect()
}

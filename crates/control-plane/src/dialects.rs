//! The dialects that are part of this control plane: their kinds, what compiles them, and the APIs of those that have paths of their own.

use std::sync::Arc;

use backstay_compiler::{FrontEnd, GatewayApi};
use backstay_fastly::FastlyFrontEnd;
use backstay_fastly::api::backend_health::{Health, ProxyHealth};
use backstay_fastly::object::FASTLY_SERVICE;
use backstay_krakend::KrakendFrontEnd;
use backstay_metering::Meter;
use backstay_resources::Registry;
use backstay_store::Store;

use crate::reports::{self, Reports};

/// Settings of the Fastly dialect.
#[derive(Debug, Clone, Default)]
pub struct FastlyOptions {
    /// `NAMESPACE/NAME` of the Gateway that serves services which name none. None: these are not served.
    pub default_gateway: Option<String>,
    /// Response header that names the backend, and why it did not answer. Empty: none.
    pub backend_header: String,
    /// Writes of a token in an hour; more are answered 429. None: any number.
    pub writes_per_hour: Option<u32>,
}

/// The kinds that this control plane serves: those of every dialect that is part of it.
#[must_use]
pub fn registry() -> Registry {
    let kinds = Registry::built_in();
    // Two kinds of one name would be a mistake in this very program, which every test of it would meet.
    let dialects = backstay_fastly::object::KINDS.into_iter().chain(backstay_krakend::kind::KINDS);
    Registry::new(kinds.iter().chain(dialects)).unwrap_or(kinds)
}

/// What compiles these kinds: a front end for each dialect.
pub(crate) fn front_ends(fastly: &FastlyOptions) -> Vec<Box<dyn FrontEnd>> {
    let FastlyOptions { default_gateway, backend_header, .. } = fastly.clone();
    let fastly = backstay_fastly::compile::Options { default_gateway, backend_header };
    let gateway_api = backstay_compiler::Options { guests: vec![&FASTLY_SERVICE], ..Default::default() };
    vec![
        Box::new(GatewayApi::new(gateway_api)),
        Box::new(FastlyFrontEnd::new(fastly)),
        Box::new(KrakendFrontEnd::new()),
    ]
}

/// The APIs of dialects that have paths of their own.
pub(crate) fn dialects(
    store: &Arc<dyn Store>,
    fastly: FastlyOptions,
    reports: &Arc<Reports>,
    meter: Meter,
) -> axum::Router {
    let FastlyOptions { default_gateway, backend_header, writes_per_hour, .. } = fastly;
    let health = Arc::new(Reported(reports.clone()));
    let defaults = backstay_fastly::api::Options::default();
    let options =
        backstay_fastly::api::Options { default_gateway, backend_header, writes_per_hour, health, meter, ..defaults };
    backstay_fastly::api::router(store.clone(), options)
}

/// What proxies report, as the Fastly dialect asks for it.
#[derive(Debug)]
struct Reported(Arc<Reports>);

impl Health for Reported {
    fn of(&self, resource: &str) -> Vec<ProxyHealth> {
        let known = self.0.of(resource).into_iter();
        known
            .map(|(proxy, health)| {
                let reports::Health { healthy, degraded, unhealthy, reason } = health;
                ProxyHealth { proxy, healthy, degraded, unhealthy, reason }
            })
            .collect()
    }
}

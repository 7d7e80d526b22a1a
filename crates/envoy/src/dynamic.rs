//! The dynamic forward proxy: a cluster that goes where requests say, and the filter that finds out where that is, by one DNS cache.
//!
//! A cache is known to the whole of an Envoy by its name, and another content of the same name is refused. So a name says the content: the
//! cluster and the filter of another content are other ones, and what goes by those of before is left as it is.

mod denied;

use std::sync::Arc;

use backstay_destination::lookup::Settings;
use backstay_model::{Allowed, HostPattern};
use envoy_types::pb::envoy::config::cluster::v3::cluster::{CustomClusterType, RefreshRate};
use envoy_types::pb::envoy::config::route::v3::FilterConfig as OfRoute;
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3 as clusters;
use envoy_types::pb::envoy::extensions::common::dynamic_forward_proxy::v3 as common;
use envoy_types::pb::envoy::extensions::filters::http::dynamic_forward_proxy::v3 as filters;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{HttpFilter, http_filter};
use envoy_types::pb::google::protobuf;
use prost::Message as _;
use xxhash_rust::xxh3::xxh3_64;

use crate::omission::Omissions;
use crate::wire::{any, duration, family, number};

/// What the cache of a backend with these settings is called.
pub(crate) fn cache_name(backend: &str, settings: &Settings) -> Arc<str> {
    let content = xxh3_64(&cache("", settings).encode_to_vec());
    format!("{backend}@{content:016x}").into()
}

fn cache(name: &str, settings: &Settings) -> common::DnsCacheConfig {
    let count = |count: usize| number(u32::try_from(count).unwrap_or(u32::MAX));
    common::DnsCacheConfig {
        name: name.to_owned(),
        dns_lookup_family: family(settings.family).into(),
        dns_refresh_rate: duration(settings.refresh_rate),
        dns_min_refresh_rate: duration(settings.min_refresh_rate),
        dns_query_timeout: duration(settings.query_timeout),
        host_ttl: duration(settings.host_ttl),
        max_hosts: count(settings.max_hosts),
        dns_failure_refresh_rate: settings
            .failure_backoff
            .map(|wait| RefreshRate { base_interval: duration(wait.base), max_interval: duration(wait.max) }),
        dns_cache_circuit_breaker: Some(common::DnsCacheCircuitBreakers {
            max_pending_requests: count(settings.max_pending_requests),
        }),
        resolved_address_filter: denied::filter(&settings.rules),
        ..Default::default()
    }
}

/// What the cluster called as its cache is, beside what it shares with others. `insecure` says that another name than the request's is sent
/// or verified, which Envoy wants to be told.
pub(crate) fn cluster(name: &str, settings: &Settings, insecure: bool) -> CustomClusterType {
    let config = clusters::ClusterConfig {
        allow_insecure_cluster_options: insecure,
        cluster_implementation_specifier: Some(
            clusters::cluster_config::ClusterImplementationSpecifier::DnsCacheConfig(cache(name, settings)),
        ),
        ..Default::default()
    };
    CustomClusterType { name: "envoy.clusters.dynamic_forward_proxy".to_owned(), typed_config: Some(any(&config)) }
}

/// The filter of a cache, which is called like it. It does nothing but for routes that turn it on.
pub(crate) fn filter(name: &str, settings: &Settings) -> HttpFilter {
    let config = filters::FilterConfig {
        implementation_specifier: Some(filters::filter_config::ImplementationSpecifier::DnsCacheConfig(cache(
            name, settings,
        ))),
        ..Default::default()
    };
    HttpFilter {
        name: name.to_owned(),
        disabled: true,
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&config))),
        ..Default::default()
    }
}

/// What turns the filter on for a route, which may send another host than the request's.
pub(crate) fn turned_on(host: Option<&str>) -> protobuf::Any {
    let rewrite = host.map(|host| filters::per_route_config::HostRewriteSpecifier::HostRewriteLiteral(host.to_owned()));
    let config = filters::PerRouteConfig { host_rewrite_specifier: rewrite };
    any(&OfRoute { config: Some(any(&config)), ..Default::default() })
}

/// Which authorities may be asked for, as an expression; `None` for all.
pub(crate) fn allowed(names: &Allowed) -> Option<String> {
    let Allowed::Only(patterns) = names else { return None };
    let names = patterns.iter().map(|pattern| match pattern {
        HostPattern::Exact(name) => regex_syntax::escape(name),
        HostPattern::Wildcard(suffix) => format!("[^:]+{}", regex_syntax::escape(suffix)),
        HostPattern::Any => ".*".to_owned(),
    });
    // A trailing dot is the same name, and the port is another matter.
    Some(format!(r"(?i)(?:{})\.?(?::[0-9]*)?", names.collect::<Vec<_>>().join("|")))
}

/// What Envoy's cache does not know.
pub(crate) fn note(settings: &Settings, omissions: &mut Omissions<'_>) {
    if settings.max_stale.is_some() || settings.max_absent.is_some() {
        omissions.approximate(
            "dynamic_forward.dns_cache.max_stale",
            "is not kept: Envoy's cache keeps an address until it learns another",
        );
    }
}

#[cfg(test)]
mod tests;

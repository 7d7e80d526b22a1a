//! What endpoints are to each other, as a policy has it.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::dns_cache::LookupFamily;
use backstay_proto::config::endpoint::{Health, Host};
use backstay_resources::backstay::{Discovery, EndpointHealth, NameFamily, PolicyEndpoint, SrvDiscovery, address};
use backstay_resources::name::MAX_SUBDOMAIN;

use super::{Misfit, span};

/// Adds to endpoints what the policy says of them.
pub(super) fn describe(
    given: &[PolicyEndpoint],
    backend: &Arc<str>,
    endpoints: &mut [config::Endpoint],
    misfits: &mut Vec<Misfit>,
) {
    let canonical = |endpoint: &config::Endpoint| match &endpoint.host {
        Some(Host::Ip(ip)) => address(ip),
        Some(Host::Fqdn(name) | Host::Srv(name)) => Some(name.clone()),
        None => None,
    };
    let places = endpoints.iter().enumerate().filter_map(|(place, endpoint)| Some((canonical(endpoint)?, place)));
    let places: HashMap<String, usize> = places.collect();
    for (index, wanted) in given.iter().enumerate() {
        let place = wanted.canonical().and_then(|name| places.get(&name));
        let Some(endpoint) = place.and_then(|place| endpoints.get_mut(*place)) else {
            misfits.push(Misfit::NoSuchEndpoint(backend.clone(), index, wanted.name().to_owned()));
            continue;
        };
        endpoint.weight = wanted.weight.unwrap_or_default();
        endpoint.priority = wanted.priority.unwrap_or_default();
        endpoint.locality = wanted.locality.as_ref().map(|locality| config::Locality {
            region: locality.region.clone().unwrap_or_default(),
            zone: locality.zone.clone().unwrap_or_default(),
            weight: locality.weight.unwrap_or(1),
        });
        let health = match wanted.health.unwrap_or_default() {
            EndpointHealth::Healthy => Health::Healthy,
            EndpointHealth::Unhealthy => Health::Unhealthy,
            EndpointHealth::Draining => Health::Draining,
            EndpointHealth::Degraded => Health::Degraded,
        };
        endpoint.health = health.into();
    }
}

/// Puts the endpoints without a locality in one of their own, so that they have a weight where localities are weighed.
pub(super) fn place_all(endpoints: &mut [config::Endpoint]) {
    for endpoint in endpoints {
        endpoint.locality.get_or_insert_with(|| config::Locality { weight: 1, ..config::Locality::default() });
    }
}

/// Says which addresses of names are used. Returns how many names there are.
pub(super) fn prefer(family: NameFamily, endpoints: &mut [config::Endpoint]) -> usize {
    let family = match family {
        NameFamily::V4Preferred => LookupFamily::V4Preferred,
        NameFamily::V6Preferred => LookupFamily::V6Preferred,
        NameFamily::V4Only => LookupFamily::V4Only,
        NameFamily::V6Only => LookupFamily::V6Only,
        NameFamily::All => LookupFamily::All,
    };
    let named = endpoints.iter_mut().filter(|endpoint| matches!(endpoint.host, Some(Host::Fqdn(_))));
    named.map(|endpoint| endpoint.lookup_family = Some(family.into())).count()
}

/// Says how long the addresses of names are used while DNS has none to say.
pub(super) fn doubt(
    given: &Discovery,
    backend: &Arc<str>,
    list: &mut config::StaticEndpoints,
    misfits: &mut Vec<Misfit>,
) {
    let has_names = list.endpoints.iter().any(|endpoint| matches!(endpoint.host, Some(Host::Fqdn(_))));
    for (field, wanted, place) in
        [("maxStale", given.max_stale, &mut list.max_stale), ("maxAbsent", given.max_absent, &mut list.max_absent)]
    {
        if wanted.is_some() && !has_names {
            misfits.push(Misfit::NothingToDiscover(backend.clone(), field));
        } else {
            *place = span(wanted);
        }
    }
}

/// Has the names of endpoints lead to SRV records: all of them, or none.
pub(super) fn discover(
    srv: &SrvDiscovery,
    backend: &Arc<str>,
    endpoints: &mut [config::Endpoint],
) -> Result<(), Misfit> {
    let mut named = Vec::new();
    for endpoint in endpoints {
        let Some(Host::Fqdn(fqdn)) = &endpoint.host else { continue };
        let name = srv.name_for(fqdn);
        if name.len() > MAX_SUBDOMAIN {
            return Err(Misfit::LongName(backend.clone(), name));
        }
        named.push((endpoint, name));
    }
    if named.is_empty() {
        return Err(Misfit::NothingToDiscover(backend.clone(), "srv"));
    }
    for (endpoint, name) in named {
        endpoint.host = Some(Host::Srv(name));
    }
    Ok(())
}

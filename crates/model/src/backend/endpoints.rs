//! Endpoints in a list.

use std::sync::Arc;

use backstay_balancer::{ConfiguredHealth, Locality};
use backstay_destination::Target;
use backstay_destination::lookup::{Family, Staleness};
use backstay_proto::config::{self, endpoint};
use rustls_pki_types::ServerName;

use super::dynamic::family;
use super::{StaticEndpoint, StaticEndpoints, StaticHost};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::scalar::duration;

/// The endpoints of a list, in its order.
pub(super) fn endpoints(list: &config::StaticEndpoints) -> Checked<StaticEndpoints> {
    let mut localities = Vec::new();
    let endpoints = list.endpoints.iter().enumerate();
    let endpoints = endpoints.map(|(index, one)| endpoint(one, &mut localities).within_element("endpoints", index));
    let (list, max_stale, max_absent) =
        (all(endpoints), duration("max_stale", list.max_stale), duration("max_absent", list.max_absent)).together()?;
    let usual = Staleness::OF_ENDPOINTS;
    let staleness = Staleness { max_stale: max_stale.or(usual.max_stale), max_absent: max_absent.or(usual.max_absent) };
    Ok(StaticEndpoints { list, staleness })
}

/// Refuses names that no certificate can carry, where TLS goes by them.
pub(super) fn for_tls(list: &StaticEndpoints) -> Checked<()> {
    all::<(), ()>(list.iter().enumerate().map(|(index, endpoint)| match &endpoint.host {
        StaticHost::Name { name, server_name: None, .. } => {
            let why =
                format!("{name:?} is a name that no certificate can carry, and the protocol has TLS without another");
            refuse(format!("endpoints[{index}].fqdn"), why)
        }
        _ => Ok(()),
    }))
}

fn endpoint(endpoint: &config::Endpoint, localities: &mut Vec<(String, String)>) -> Checked<StaticEndpoint> {
    let stated = match endpoint::Health::try_from(endpoint.health) {
        Ok(endpoint::Health::Healthy) => Ok(ConfiguredHealth::Healthy),
        Ok(endpoint::Health::Degraded) => Ok(ConfiguredHealth::Degraded),
        Ok(endpoint::Health::Unhealthy | endpoint::Health::Draining) => Ok(ConfiguredHealth::Unhealthy),
        Err(_) => unknown("health"),
    };
    let locality = endpoint.locality.as_ref().map_or_else(Locality::default, |given| {
        let name = (given.region.clone(), given.zone.clone());
        let known = localities.iter().position(|known| *known == name).unwrap_or_else(|| {
            localities.push(name);
            localities.len() - 1
        });
        // 0 is for endpoints without one.
        Locality { id: u32::try_from(known + 1).unwrap_or(u32::MAX), weight: given.weight }
    });
    let (stated, host) = (stated, host(endpoint)).together()?;
    Ok(StaticEndpoint { host, weight: endpoint.weight.max(1), priority: endpoint.priority, locality, stated })
}

fn host(endpoint: &config::Endpoint) -> Checked<StaticHost> {
    if endpoint.lookup_family.is_some() && !matches!(endpoint.host, Some(endpoint::Host::Fqdn(_))) {
        return refuse("lookup_family", "is for an fqdn only");
    }
    match &endpoint.host {
        None => unknown(""),
        Some(endpoint::Host::Ip(text)) => {
            text.parse().map(StaticHost::Ip).or_else(|_| refuse("ip", format!("{text:?} is not an IP address")))
        }
        Some(endpoint::Host::Srv(text)) => match name(text) {
            Some(name) => Ok(StaticHost::Srv(name)),
            None => refuse("srv", format!("{text:?} is not a name that DNS could know")),
        },
        Some(endpoint::Host::Fqdn(text)) => match name(text) {
            Some(name) => {
                let server_name = ServerName::try_from(name.to_string()).ok();
                let family = match endpoint.lookup_family {
                    None => Family::V4Preferred,
                    Some(given) => family(given).map_or_else(|| unknown("lookup_family"), Ok)?,
                };
                Ok(StaticHost::Name { name, server_name, family })
            }
            None => refuse("fqdn", format!("{text:?} is not a name that DNS could know")),
        },
    }
}

/// A name as DNS is asked for it; `None` for what is none. The port is of no concern.
fn name(text: &str) -> Option<Arc<str>> {
    match Target::from_parts(text, 1) {
        Ok(Target::Name(name)) => Some(name.name().into()),
        _ => None,
    }
}

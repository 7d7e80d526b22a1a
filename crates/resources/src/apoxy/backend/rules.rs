use std::collections::HashSet;
use std::time::Duration;

use super::address::{self, Place};
use super::{Backend, BackendEndpoint, BackendProtocol, DnsCacheConfig};
use crate::check::typed;
use crate::field::{FieldError, FieldPath};
use crate::object::Object;

/// How many endpoints a Backend may have.
const MAX_ENDPOINTS: usize = 1000;

/// Finds everything wrong with a Backend.
pub(super) fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let backend: Backend = match typed(new) {
        Ok(backend) => backend,
        Err(errors) => return errors,
    };
    let spec = FieldPath::new("spec");
    let mut errors = Vec::new();
    let place = match (&backend.spec.dynamic_proxy, backend.spec.protocol) {
        (Some(_), _) => Place::AllowList,
        (None, BackendProtocol::Http1 | BackendProtocol::H2c) => Place::Endpoint,
        (None, BackendProtocol::Tls | BackendProtocol::H2) => Place::TlsEndpoint,
    };
    endpoints(&backend.spec.endpoints, place, &spec.child("endpoints"), &mut errors);
    if let Some(dynamic_proxy) = &backend.spec.dynamic_proxy {
        let path = spec.child("dynamicProxy").child("dnsCacheConfig");
        dns_cache(&dynamic_proxy.dns_cache_config, &path, &mut errors);
    }
    errors
}

fn endpoints(endpoints: &[BackendEndpoint], place: Place, path: &FieldPath, errors: &mut Vec<FieldError>) {
    if endpoints.is_empty() && place != Place::AllowList {
        errors.push(FieldError::required(path.clone(), "at least one endpoint, unless dynamicProxy is set"));
    }
    if endpoints.len() > MAX_ENDPOINTS {
        errors.push(FieldError::too_many(path.clone(), endpoints.len(), MAX_ENDPOINTS));
        return;
    }
    let mut seen = HashSet::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = path.index(index);
        let (field, text, checked) = match (&endpoint.fqdn, &endpoint.ip) {
            (None, None) => {
                errors.push(FieldError::required(path, "one of fqdn and ip"));
                continue;
            }
            (Some(_), Some(_)) => {
                errors.push(FieldError::forbidden(path.child("ip"), "ip and fqdn cannot be specified together"));
                continue;
            }
            (Some(fqdn), None) => ("fqdn", fqdn, address::fqdn(fqdn, place)),
            (None, Some(ip)) => ("ip", ip, address::ip(ip)),
        };
        match checked {
            Err(problem) => errors.push(FieldError::invalid(path.child(field), text, &problem)),
            Ok(canonical) => {
                if !seen.insert(canonical) {
                    errors.push(FieldError::duplicate(path.child(field), text));
                }
            }
        }
    }
}

fn dns_cache(cache: &DnsCacheConfig, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let at_least = [
        ("dnsRefreshRate", cache.dns_refresh_rate, Duration::from_millis(1), "must be at least 1ms"),
        ("dnsMinRefreshRate", cache.dns_min_refresh_rate, Duration::from_secs(1), "must be at least 1s"),
        ("hostTTL", cache.host_ttl, Duration::from_nanos(1), "must be greater than 0"),
    ];
    for (name, value, least, detail) in at_least {
        if let Some(value) = value.filter(|value| value.0 < least) {
            errors.push(FieldError::invalid(path.child(name), value.to_string(), detail));
        }
    }
    if cache.max_hosts == Some(0) {
        errors.push(FieldError::invalid(path.child("maxHosts"), 0, "must be greater than 0"));
    }
}

use std::collections::{HashMap, HashSet};

use backstay_destination::hostname::is_dns_name;

use super::{Discovery, Locality, PolicyEndpoint, address};
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;

/// As many as a Backend may have.
const MAX_ENDPOINTS: usize = 1000;
const MAX_WEIGHT: u32 = 1_000_000;
/// Envoy's bound.
const MAX_PRIORITY: u32 = 127;
/// Longest region or zone, in bytes.
const MAX_PLACE: usize = 253;

/// Checks the endpoints of a policy that weighs localities or does not.
pub(in crate::backstay) fn check(
    endpoints: &[PolicyEndpoint],
    weighted: bool,
    path: &FieldPath,
    findings: &mut Findings,
) {
    if !findings.most(path, endpoints.len(), MAX_ENDPOINTS) {
        return;
    }
    let mut seen = HashSet::new();
    let mut weights = HashMap::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = path.index(index);
        endpoint.host(&path, findings);
        if let Some(canonical) = endpoint.canonical()
            && !seen.insert(canonical)
        {
            let field = if endpoint.ip.is_some() { "ip" } else { "fqdn" };
            findings.add(FieldError::duplicate(path.child(field), endpoint.name()));
        }
        if let Some(weight) = endpoint.weight {
            findings.within(&path.child("weight"), weight, &(1..=MAX_WEIGHT));
        }
        if let Some(priority) = endpoint.priority {
            findings.within(&path.child("priority"), priority, &(0..=MAX_PRIORITY));
        }
        let Some(locality) = &endpoint.locality else { continue };
        let path = path.child("locality");
        locality.check(weighted, &path, findings);
        let place = (endpoint.priority.unwrap_or_default(), &locality.region, &locality.zone);
        let weight = locality.weight.unwrap_or(1);
        let first = *weights.entry(place).or_insert(weight);
        if weight != first {
            let detail = format!("another endpoint of this locality and priority gives it the weight {first}");
            findings.invalid(&path.child("weight"), &weight.to_string(), &detail);
        }
    }
}

impl PolicyEndpoint {
    fn host(&self, path: &FieldPath, findings: &mut Findings) {
        match (&self.fqdn, &self.ip) {
            (None, None) => findings.required(path, "one of fqdn and ip"),
            (Some(_), Some(_)) => {
                findings.forbidden(&path.child("ip"), "ip and fqdn cannot be specified together");
            }
            // One of a Backend's, which may be a name that is no host's.
            (Some(fqdn), None) if is_dns_name(fqdn) && !fqdn.contains(|c: char| c.is_ascii_uppercase()) => {}
            (Some(fqdn), None) => findings.each(&path.child("fqdn"), fqdn, name::precise_hostname(fqdn)),
            (None, Some(ip)) => {
                if address(ip).is_none() {
                    let detail = "must be an IPv4 or IPv6 address (e.g. '10.9.8.7' or '2001:db8::1')";
                    findings.invalid(&path.child("ip"), ip, detail);
                }
            }
        }
    }
}

impl Locality {
    fn check(&self, weighted: bool, path: &FieldPath, findings: &mut Findings) {
        if self.region.is_none() && self.zone.is_none() {
            findings.required(path, "at least one of region and zone");
        }
        for (name, text) in [("region", &self.region), ("zone", &self.zone)] {
            if let Some(text) = text {
                findings.text(&path.child(name), text, MAX_PLACE);
            }
        }
        if let Some(weight) = self.weight {
            let path = path.child("weight");
            findings.within(&path, weight, &(0..=MAX_WEIGHT));
            if !weighted {
                findings.forbidden(&path, "has no effect without loadBalancing.localityWeighted");
            }
        }
    }
}

impl Discovery {
    pub(in crate::backstay) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let family = path.child("dnsLookupFamily");
        let path = path.child("srv");
        let Some(srv) = &self.srv else {
            if self.max_stale.is_none() && self.max_absent.is_none() && self.dns_lookup_family.is_none() {
                findings.required(&path, "at least one of srv, dnsLookupFamily, maxStale and maxAbsent");
            }
            return;
        };
        if self.dns_lookup_family.is_some() {
            findings.forbidden(&family, "srv and dnsLookupFamily cannot be specified together");
        }
        let protocol = srv.protocol.as_deref().unwrap_or("tcp");
        for (name, text) in [("service", srv.service.as_str()), ("protocol", protocol)] {
            let path = path.child(name);
            // One byte of the DNS label is for the underscore.
            if findings.text(&path, text, name::MAX_LABEL - 1) && !name::is_label(text) {
                let detail = "must consist of lower case letters, digits and '-', and begin and end with a letter or \
                    digit (e.g. 'http'); the underscore is added";
                findings.invalid(&path, text, detail);
            }
        }
    }
}

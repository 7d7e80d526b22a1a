use crate::body;
use crate::object::Object;

/// What an absent setting of the DNS cache is, as Apoxy documents it and as Go writes durations.
const DNS_CACHE: [(&str, &str); 5] = [
    ("dnsLookupFamily", "auto"),
    ("dnsRefreshRate", "1m0s"),
    ("dnsMinRefreshRate", "5s"),
    ("dnsQueryTimeout", "5s"),
    ("hostTTL", "5m0s"),
];

/// How many names are kept, unless the Backend says so.
const MAX_HOSTS: u32 = 1024;

/// Folds the case of the protocol, and writes out every default. Durations keep the spelling they were given: what is
/// read back is what was written, so that tools which compare the two see no difference.
pub(super) fn fill(object: &mut Object) {
    let Some(spec) = body::make(&mut object.body, "spec") else { return };
    body::fold_case(spec, "protocol");
    body::default(spec, "protocol", "");
    for endpoint in body::list(spec, "endpoints") {
        body::drop_empty(endpoint, "fqdn");
        body::drop_empty(endpoint, "ip");
    }
    let Some(dynamic_proxy) = body::object(spec, "dynamicProxy") else { return };
    let Some(cache) = body::make(dynamic_proxy, "dnsCacheConfig") else { return };
    for (name, value) in DNS_CACHE {
        body::default(cache, name, value);
    }
    body::default(cache, "maxHosts", MAX_HOSTS);
}

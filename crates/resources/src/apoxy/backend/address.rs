use std::net::IpAddr;

use backstay_destination::hostname::is_dns_name;

use crate::name;

/// What an endpoint is for, which decides what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is connected to, without TLS.
    Endpoint,
    /// It is connected to with TLS, for which its name is that of a host.
    TlsEndpoint,
    /// It is what a request's authority is compared with.
    AllowList,
}

/// Checks the name of an endpoint, and returns the form in which two equal ones are equal.
///
/// Apoxy documents a pattern for them, that of a host name (RFC 1123). It is kept where a certificate has to carry the name. Where it is
/// looked up or compared alone, it may be any that DNS can have, such as `my_service`, which container tools make. The pattern's labels
/// after the first have two characters at least; DNS has no such rule, and `x.y.example.com` is accepted.
pub(super) fn fqdn(text: &str, place: Place) -> Result<String, String> {
    let name = match (text.strip_prefix("*."), place) {
        (None, _) => text,
        (Some(rest), Place::AllowList) => rest,
        (Some(_), Place::Endpoint | Place::TlsEndpoint) => {
            return Err(
                "a wildcard cannot be connected to: it is for an endpoint of a Backend with dynamicProxy".into()
            );
        }
    };
    if name.parse::<IpAddr>().is_ok() {
        return Err("is an IP address: write it as ip".into());
    }
    if name.ends_with('.') {
        return Err("must not end with a dot: names are always fully qualified, and the dot would become part of the \
            server name and of the Host that is compared"
            .into());
    }
    if name.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(format!("must be lower case: write {:?}", text.to_ascii_lowercase()));
    }
    if name.len() > name::MAX_SUBDOMAIN {
        return Err(format!("must be no more than {} bytes", name::MAX_SUBDOMAIN));
    }
    for label in name.split('.') {
        if label.len() > name::MAX_LABEL {
            return Err(format!("each label must be no more than {} bytes", name::MAX_LABEL));
        }
        if place == Place::TlsEndpoint && !name::is_label(label) {
            return Err(
                "must be a host name, since the endpoint's certificate has to carry it: labels of lower case letters, digits and \
                '-', which begin and end with a letter or digit, separated by dots (e.g. 'api.example.com')"
                    .into(),
            );
        }
        if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(
                "must be a DNS name: labels of lower case letters, digits, '-' and '_', separated by dots (e.g. 'api.example.com')"
                    .into(),
            );
        }
    }
    // Resolvers read such a name as an IPv4 address in one of its short forms.
    if !is_dns_name(name) {
        return Err("the last label must not be a number: some resolvers read it as an IPv4 address".into());
    }
    Ok(text.to_owned())
}

/// Checks the address of an endpoint, and returns the form in which two equal ones are equal.
pub(super) fn ip(text: &str) -> Result<String, String> {
    if text.contains('%') {
        return Err("must not have a zone: it names an interface of one machine, and every proxy connects to it".into());
    }
    let address: IpAddr =
        text.parse().map_err(|_| "must be an IPv4 or IPv6 address (e.g. '10.9.8.7' or '2001:db8::1')")?;
    let address = address.to_canonical();
    if address.is_unspecified() {
        return Err("is the unspecified address, which cannot be connected to".into());
    }
    if address.is_multicast() || address == IpAddr::from([255, 255, 255, 255]) {
        return Err("is a multicast or broadcast address, which cannot be connected to".into());
    }
    Ok(address.to_string())
}

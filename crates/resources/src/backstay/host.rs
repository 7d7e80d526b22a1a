//! The host that endpoints see.

use std::net::{Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{FieldPath, Findings};
use crate::name;

/// The host that endpoints see: exactly one of `literal` and `automatic`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HostRewrite {
    /// This host, with a port if it has one. Envoy: `host_rewrite_literal`. Fastly: `override_host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// The fqdn of the endpoint that the request goes to; an endpoint with an ip gets the request's own host. Default
    /// false. Envoy: `auto_host_rewrite`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
}

impl HostRewrite {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        match &self.literal {
            Some(_) if self.automatic => {
                findings.forbidden(&path.child("automatic"), "literal and automatic cannot be specified together");
            }
            Some(host) => {
                if let Err(problem) = authority(host) {
                    findings.invalid(&path.child("literal"), host, &problem);
                }
            }
            None if !self.automatic => findings.required(path, "one of literal and automatic"),
            None => {}
        }
    }
}

/// Checks a host with or without a port, as the header `Host` has it.
pub(super) fn authority(text: &str) -> Result<(), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("has a bracket that is not closed")?;
            if address.parse::<Ipv6Addr>().is_err() {
                return Err("must have an IPv6 address between brackets (e.g. '[2001:db8::1]:443')".into());
            }
            (None, port)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at(end);
            (Some(host), port)
        }
    };
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse::<u16>().ok()).filter(|number| *number > 0);
    if !port.is_empty() && number.is_none() {
        return Err(
            "must be a host, or a host, a colon and a port between 1 and 65535; an IPv6 address needs brackets".into(),
        );
    }
    match host.filter(|host| host.parse::<Ipv4Addr>().is_err()).map(name::subdomain).as_deref() {
        Some([problem, ..]) => Err(problem.clone()),
        _ => Ok(()),
    }
}

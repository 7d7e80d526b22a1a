//! Source: Gateway API v1.7, the limits and rules of its published schema for Gateway. What is well formed and cannot be
//! honoured (protocols other than HTTP and HTTPS, a certificate that is missing) is for the status to say.

mod tls;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

use super::super::external_auth;
use super::super::reference::{MAX_NAME, check_local};
use super::{
    FromNamespaces, Gateway, GatewayAddress, GatewayInfrastructure, Listener, ListenerFilters, RouteNamespaces,
};
use crate::check::typed;
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;
use crate::object::Object;

const MAX_LISTENERS: usize = 64;
const MAX_ADDRESSES: usize = 16;
const MAX_FILTERS: usize = 16;
const MAX_ROUTE_KINDS: usize = 8;
const MAX_LABELS: usize = 8;
const MAX_ANNOTATIONS: usize = 16;

/// A protocol of Gateway API, or `DOMAIN/NAME`. Nothing only if the expression were malformed, which a test rules out.
static PROTOCOL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let domain = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    Regex::new(&format!(r"^([a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?|{domain}/[A-Za-z0-9]+)$")).ok()
});

/// Finds everything wrong with a Gateway.
pub(in crate::gateway) fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let gateway: Gateway = match typed(new) {
        Ok(gateway) => gateway,
        Err(errors) => return errors,
    };
    let path = FieldPath::new("spec");
    let mut findings = Findings::default();
    findings.text(&path.child("gatewayClassName"), &gateway.spec.gateway_class_name, MAX_NAME);
    listeners(&gateway.spec.listeners, &path.child("listeners"), &mut findings);
    addresses(&gateway.spec.addresses, &path.child("addresses"), &mut findings);
    if let Some(given) = &gateway.spec.infrastructure {
        infrastructure(given, &path.child("infrastructure"), &mut findings);
    }
    tls::check_gateway(&gateway.spec, &path, &mut findings);
    if let Some(given) = gateway.spec.allowed_listeners.as_ref().and_then(|allowed| allowed.namespaces.as_ref()) {
        namespaces(given, &path.child("allowedListeners").child("namespaces"), &mut findings);
    }
    findings.finish()
}

fn listeners(listeners: &[Listener], path: &FieldPath, findings: &mut Findings) {
    if listeners.is_empty() {
        findings.required(path, "at least one listener");
    }
    if !findings.most(path, listeners.len(), MAX_LISTENERS) {
        return;
    }
    let (mut names, mut sockets) = (HashSet::new(), HashSet::new());
    for (index, given) in listeners.iter().enumerate() {
        let path = path.index(index);
        listener(given, &path, findings);
        if !given.name.is_empty() && !names.insert(&given.name) {
            findings.add(FieldError::duplicate(path.child("name"), &given.name));
        }
        if !sockets.insert((given.port, &given.protocol, &given.hostname)) {
            let hostname = given.hostname.as_deref().unwrap_or_default();
            let value = format!("{} {} {hostname}", given.port, given.protocol);
            let mut error = FieldError::duplicate(path, value.trim_end());
            error.message.push_str(": the combination of port, protocol and hostname must be unique");
            findings.add(error);
        }
    }
}

fn listener(listener: &Listener, path: &FieldPath, findings: &mut Findings) {
    if findings.text(&path.child("name"), &listener.name, MAX_NAME) {
        findings.each(&path.child("name"), &listener.name, name::subdomain(&listener.name));
    }
    findings.port(&path.child("port"), listener.port);
    let protocol = listener.protocol.as_str();
    if findings.text(&path.child("protocol"), protocol, 255)
        && !PROTOCOL.as_ref().is_some_and(|expression| expression.is_match(protocol))
    {
        let detail = "must be HTTP, HTTPS, TLS, TCP or UDP, or one with a domain (e.g. 'example.com/proto')";
        findings.invalid(&path.child("protocol"), protocol, detail);
    }
    if let Some(hostname) = &listener.hostname {
        if ["TCP", "UDP"].contains(&protocol) {
            findings.forbidden(&path.child("hostname"), "must not be specified for protocols TCP and UDP");
        }
        findings.each(&path.child("hostname"), hostname, name::hostname(hostname));
    }
    if let Some(given) = &listener.tls {
        tls::check(given, protocol, &path.child("tls"), findings);
    }
    if let Some(given) = &listener.filters {
        filters(given, protocol, &path.child("filters"), findings);
    }
    let Some(allowed) = &listener.allowed_routes else { return };
    let path = path.child("allowedRoutes");
    findings.most(&path.child("kinds"), allowed.kinds.len(), MAX_ROUTE_KINDS);
    for (index, kind) in allowed.kinds.iter().enumerate() {
        findings.text(&path.child("kinds").index(index).child("kind"), &kind.kind, name::MAX_LABEL);
    }
    if let Some(given) = &allowed.namespaces {
        namespaces(given, &path.child("namespaces"), findings);
    }
}

fn namespaces(namespaces: &RouteNamespaces, path: &FieldPath, findings: &mut Findings) {
    if let Some(selector) = &namespaces.selector {
        let path = path.child("selector").child("matchExpressions");
        for (index, requirement) in selector.match_expressions.iter().enumerate() {
            let path = path.index(index);
            let (known, count) = (["In", "NotIn", "Exists", "DoesNotExist"], requirement.values.len());
            findings.each(&path.child("key"), &requirement.key, name::qualified(&requirement.key));
            findings.one_of(&path.child("operator"), &requirement.operator, &known);
            match requirement.operator.as_str() {
                "In" | "NotIn" if count == 0 => {
                    findings.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
                }
                "Exists" | "DoesNotExist" if count > 0 => findings.forbidden(
                    &path.child("values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                ),
                _ => (),
            }
        }
    } else if namespaces.from == Some(FromNamespaces::Selector) {
        findings.required(&path.child("selector"), "must be specified when `from` is 'Selector'");
    }
}

fn filters(filters: &ListenerFilters, protocol: &str, path: &FieldPath, findings: &mut Findings) {
    if !["HTTP", "HTTPS"].contains(&protocol) {
        findings.forbidden(path, "may only be specified for protocols HTTP and HTTPS");
    }
    let path = path.child("requests");
    if !findings.most(&path, filters.requests.len(), MAX_FILTERS) {
        return;
    }
    for (index, filter) in filters.requests.iter().enumerate() {
        let path = path.index(index);
        let fields = [
            ("ExternalAuth", "externalAuth", filter.external_auth.is_some()),
            ("ExtensionRef", "extensionRef", filter.extension_ref.is_some()),
        ];
        if findings.one_of(&path.child("type"), &filter.kind, &fields.map(|(kind, ..)| kind)) {
            for (kind, field, is_set) in fields {
                if kind == filter.kind && !is_set {
                    findings.required(&path.child(field), &format!("must be specified for a filter of type {kind}"));
                } else if kind != filter.kind && is_set {
                    let detail = format!("must not be specified for a filter of type {}", filter.kind);
                    findings.forbidden(&path.child(field), &detail);
                }
            }
        }
        if let Some(given) = &filter.external_auth {
            external_auth::check(given, &path.child("externalAuth"), findings);
        }
        if let Some(given) = &filter.extension_ref {
            check_local(given, &path.child("extensionRef"), findings);
        }
    }
}

fn addresses(addresses: &[GatewayAddress], path: &FieldPath, findings: &mut Findings) {
    findings.most(path, addresses.len(), MAX_ADDRESSES);
    let mut seen = HashSet::new();
    for (index, address) in addresses.iter().enumerate().take(MAX_ADDRESSES) {
        let path = path.index(index).child("value");
        findings.longest(&path, &address.value, MAX_NAME);
        // Without a value, any address of that type is asked for.
        if address.value.is_empty() || address.kind.as_deref().is_some_and(|kind| kind != "IPAddress") {
            continue;
        }
        match address.value.parse::<IpAddr>() {
            Err(_) => findings.invalid(&path, &address.value, "must be an IPv4 or IPv6 address"),
            Ok(ip) if !seen.insert(ip) => findings.add(FieldError::duplicate(path, &address.value)),
            Ok(_) => (),
        }
    }
}

fn infrastructure(infrastructure: &GatewayInfrastructure, path: &FieldPath, findings: &mut Findings) {
    findings.most(&path.child("labels"), infrastructure.labels.len(), MAX_LABELS);
    findings.most(&path.child("annotations"), infrastructure.annotations.len(), MAX_ANNOTATIONS);
    if let Some(parameters) = &infrastructure.parameters_ref {
        findings.text(&path.child("parametersRef").child("name"), &parameters.name, MAX_NAME);
    }
}

//! What the proxy holds, as JSON. Of secrets only the kind is shown.

use backstay_proto::config::{
    Backend, Filter, HeaderModifier, Listener, Match, NamedMatch, PathModifier, Respond, Route, Rule, Secret, backend,
    endpoint, filter, listener, named_match, path_match, path_modifier, resource, rule, secret, weighted_backend,
};
use serde_json::{Map, Value, json};

use super::Admin;
use crate::control::look;
use crate::convert;

pub(super) fn dump(admin: &Admin) -> Value {
    let model = look(&admin.model);
    let status = admin.status.borrow();
    let resources = model.resources().map(|held| {
        let content = convert::decode(held.name, held.value.clone()).map(|kind| resource(&kind));
        json!({ "name": held.name, "version": held.version, "content": content.unwrap_or(Value::Null) })
    });
    let rejected = model.rejected().iter().map(|(name, rejected)| {
        json!({ "name": name, "version": rejected.version, "field": rejected.fault.field, "message": rejected.fault.message })
    });
    json!({
        "node": &*admin.node,
        "fleet": &*admin.fleet,
        "connected": status.connected,
        "lastDisconnect": status.last_disconnect,
        "draining": status.draining,
        "listening": status.listeners,
        "waitingListeners": model.waiting_listeners(),
        "rejected": rejected.collect::<Vec<_>>(),
        "resources": resources.collect::<Vec<_>>(),
    })
}

fn resource(kind: &resource::Kind) -> Value {
    match kind {
        resource::Kind::Listener(message) => listener(message),
        resource::Kind::Route(message) => route(message),
        resource::Kind::Backend(message) => backend(message),
        resource::Kind::Secret(message) => secret(message),
    }
}

fn secret(message: &Secret) -> Value {
    match &message.kind {
        Some(secret::Kind::Certificate(_)) => json!({ "certificate": "redacted" }),
        Some(secret::Kind::CertificateAuthority(_)) => json!({ "certificateAuthority": "redacted" }),
        None => Value::Null,
    }
}

fn listener(message: &Listener) -> Value {
    let protocol = listener::Protocol::try_from(message.protocol).map_or("unknown", |protocol| protocol.as_str_name());
    compact(json!({
        "address": message.address,
        "port": message.port,
        "hostname": message.hostname,
        "protocol": protocol,
        "tls": message.tls.as_ref().map(|tls| json!({ "secrets": tls.secrets })),
    }))
}

fn backend(message: &Backend) -> Value {
    let protocol = backend::Protocol::try_from(message.protocol).map_or("unknown", |protocol| protocol.as_str_name());
    let (endpoints, dynamic) = match &message.discovery {
        Some(backend::Discovery::Static(list)) => {
            let endpoints = list.endpoints.iter().map(|endpoint| match &endpoint.host {
                Some(endpoint::Host::Ip(ip)) => json!({ "ip": ip }),
                Some(endpoint::Host::Fqdn(name)) => json!({ "fqdn": name }),
                Some(endpoint::Host::Srv(name)) => json!({ "srv": name }),
                None => Value::Null,
            });
            (Some(endpoints.collect::<Vec<_>>()), None)
        }
        Some(backend::Discovery::DynamicForward(forward)) => {
            let cache = forward.dns_cache.as_ref().map(|cache| {
                compact(json!({
                    "lookupFamily": cache.lookup_family().as_str_name(),
                    "refreshRate": seconds(cache.refresh_rate),
                    "minRefreshRate": seconds(cache.min_refresh_rate),
                    "queryTimeout": seconds(cache.query_timeout),
                    "hostTtl": seconds(cache.host_ttl),
                    "maxHosts": cache.max_hosts,
                    "failureBase": seconds(cache.failure_base),
                    "failureMax": seconds(cache.failure_max),
                    "maxStale": seconds(cache.max_stale),
                    "maxPendingRequests": cache.max_pending_requests,
                    "maxFailedHosts": cache.max_failed_hosts,
                    "strictAuto": cache.strict_auto.then_some(true),
                }))
            });
            let rules = forward.address_rules.as_ref().map(|rules| {
                let ports = rules.ports.iter().map(|range| format!("{}-{}", range.start, range.end));
                compact(json!({
                    "allow": rules.allow,
                    "deny": rules.deny,
                    "denyPrivate": rules.deny_private.then_some(true),
                    "ports": ports.collect::<Vec<_>>(),
                }))
            });
            let dynamic = json!({ "dnsCache": cache, "allowedNames": forward.allowed_names, "addressRules": rules });
            (None, Some(compact(dynamic)))
        }
        None => (None, None),
    };
    let tls = message
        .tls
        .as_ref()
        .map(|tls| compact(json!({ "sni": tls.sni, "verifiedName": tls.verified_name, "caSecret": tls.ca_secret })));
    let timeouts = message
        .timeouts
        .as_ref()
        .map(|timeouts| compact(json!({ "connect": seconds(timeouts.connect), "idle": seconds(timeouts.idle) })));
    compact(
        json!({ "protocol": protocol, "endpoints": endpoints, "dynamicForward": dynamic, "tls": tls, "timeouts": timeouts }),
    )
}

fn route(message: &Route) -> Value {
    let attachments = message
        .attachments
        .iter()
        .map(|attachment| compact(json!({ "listener": attachment.listener, "hostnames": attachment.hostnames })));
    json!({
        "attachments": attachments.collect::<Vec<_>>(),
        "orderKey": message.order_key,
        "rules": message.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn rule(message: &Rule) -> Value {
    let action = match &message.action {
        Some(rule::Action::Forward(forward)) => {
            let backends = forward.backends.iter().map(|weighted| {
                let (backend, port, answer) = match &weighted.target {
                    Some(weighted_backend::Target::Backend(reference)) => (Some(&reference.backend), reference.port, None),
                    Some(weighted_backend::Target::Respond(message)) => (None, 0, Some(respond(message))),
                    None => (None, 0, None),
                };
                let mut value = compact(json!({ "backend": backend, "port": port, "respond": answer, "filters": filters(&weighted.filters) }));
                // A weight of zero means something.
                value["weight"] = weighted.weight.into();
                value
            });
            json!({ "forward": compact(json!({
                "backends": backends.collect::<Vec<_>>(),
                "requestTimeout": seconds(forward.request_timeout),
                "backendRequestTimeout": seconds(forward.backend_request_timeout),
            })) })
        }
        Some(rule::Action::Redirect(redirect)) => json!({ "redirect": compact(json!({
            "scheme": redirect.scheme,
            "hostname": redirect.hostname,
            "path": redirect.path.as_ref().map(path),
            "port": redirect.port,
            "status": redirect.status,
        })) }),
        Some(rule::Action::Respond(message)) => json!({ "respond": respond(message) }),
        None => Value::Null,
    };
    compact(json!({
        "name": message.name,
        "matches": message.matches.iter().map(matches).collect::<Vec<_>>(),
        "filters": filters(&message.filters),
        "action": action,
    }))
}

fn matches(message: &Match) -> Value {
    let path = message.path.as_ref().and_then(|path| path.kind.as_ref()).map(|kind| match kind {
        path_match::Kind::Exact(text) => json!({ "exact": text }),
        path_match::Kind::Prefix(text) => json!({ "prefix": text }),
        path_match::Kind::Regex(text) => json!({ "regex": text }),
    });
    compact(json!({
        "precedence": message.precedence,
        "path": path,
        "method": message.method,
        "headers": message.headers.iter().map(named).collect::<Vec<_>>(),
        "query": message.query.iter().map(named).collect::<Vec<_>>(),
    }))
}

fn named(message: &NamedMatch) -> Value {
    match &message.kind {
        Some(named_match::Kind::Exact(text)) => json!({ "name": message.name, "exact": text }),
        Some(named_match::Kind::Regex(text)) => json!({ "name": message.name, "regex": text }),
        None => Value::Null,
    }
}

fn filters(messages: &[Filter]) -> Vec<Value> {
    let filter = |message: &Filter| match &message.kind {
        Some(filter::Kind::RequestHeaders(edits)) => json!({ "requestHeaders": headers(edits) }),
        Some(filter::Kind::ResponseHeaders(edits)) => json!({ "responseHeaders": headers(edits) }),
        Some(filter::Kind::UrlRewrite(rewrite)) => {
            json!({ "urlRewrite": compact(json!({ "hostname": rewrite.hostname, "path": rewrite.path.as_ref().map(path) })) })
        }
        Some(filter::Kind::Mirror(mirror)) => json!({ "mirror": {
            "backend": mirror.backend.as_ref().map(|reference| &reference.backend),
            "port": mirror.backend.as_ref().map(|reference| reference.port),
            "numerator": mirror.numerator,
            "denominator": mirror.denominator,
        } }),
        None => Value::Null,
    };
    messages.iter().map(filter).collect()
}

/// Names of headers only: values that an operator sets may be credentials.
fn headers(edits: &HeaderModifier) -> Value {
    compact(json!({
        "set": edits.set.iter().map(|header| &header.name).collect::<Vec<_>>(),
        "add": edits.add.iter().map(|header| &header.name).collect::<Vec<_>>(),
        "remove": edits.remove,
    }))
}

fn path(message: &PathModifier) -> Value {
    match &message.kind {
        Some(path_modifier::Kind::ReplaceFull(text)) => json!({ "replaceFull": text }),
        Some(path_modifier::Kind::ReplacePrefix(text)) => json!({ "replacePrefix": text }),
        None => Value::Null,
    }
}

fn respond(message: &Respond) -> Value {
    compact(json!({ "status": message.status, "body": message.body }))
}

fn seconds(duration: Option<prost_types::Duration>) -> Option<f64> {
    duration.map(|duration| duration.seconds as f64 + f64::from(duration.nanos) / 1e9)
}

/// Leaves out what is not set.
fn compact(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let is_set = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Number(number) => number.as_u64() != Some(0),
        _ => true,
    };
    Value::Object(fields.into_iter().filter(|(_, value)| is_set(value)).collect::<Map<_, _>>())
}

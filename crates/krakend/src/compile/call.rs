//! Calls: what each backend of an endpoint is asked, and what is made of its answer.

use std::collections::HashMap;
use std::net::IpAddr;

use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::call::{Decoder, Failure};
use backstay_proto::config::data_operation::{FromTo, Kind as Operation};
use backstay_proto::config::pattern_segment::Kind as Segment;

use super::hosts::duration;
use super::sender::{LIBRARY, USER_AGENT};
use super::{Scope, admission, component};
use crate::place::Path;
use crate::plan::{
    Backend, Decoding, Endpoint, Errors, Filter, Flatmap, FlatmapOperation, Host, Order, Upstream, UrlPart,
};
use crate::quote::quoted;

/// How many redirects Go's client follows before it gives up.
const REDIRECTS: u32 = 10;

/// How many copies of a call can be under way.
const MOST_COPIES: u32 = 255;

/// The calls of an endpoint, in the order of its backends.
pub(super) fn calls(endpoint: &Endpoint, scope: &Scope<'_>) -> Vec<config::Call> {
    let mut regular = 0;
    let mut calls = Vec::with_capacity(endpoint.backends.len());
    for (index, backend) in endpoint.backends.iter().enumerate() {
        calls.push(call(endpoint, (index, backend), regular, scope));
        regular += usize::from(backend.shadow.is_none());
    }
    calls
}

/// A call, before which as many as `earlier` count.
fn call(endpoint: &Endpoint, (index, backend): (usize, &Backend), earlier: usize, scope: &Scope<'_>) -> config::Call {
    let (decoder, own) = (decoder(backend), &backend.own);
    let (failure, failure_name) = match &backend.errors {
        Errors::Details(name) => (Failure::Details, name.clone()),
        _ if own.pass_status => (Failure::PassedOn, String::new()),
        Errors::Hidden => (Failure::Plain, String::new()),
        Errors::Status => (Failure::Status, String::new()),
    };
    let (allow, deny) = match &backend.filter {
        Filter::All => (None, None),
        Filter::Allow(paths) => (Some(tree(paths)), None),
        Filter::Deny(paths) => (None, Some(tree(paths))),
    };
    let copies = endpoint.concurrent_calls.min(MOST_COPIES);
    let mut call = config::Call {
        name: format!("{} {} {index}", endpoint.method.as_str(), endpoint.path.pattern),
        targets: targets(endpoint, (index, backend), scope),
        method: backend.method.clone(),
        pattern: backend.url.parts.iter().map(|part| segment(part, endpoint, earlier)).collect(),
        headers: Some(match &backend.headers {
            None => admission::all(),
            Some(names) => admission::headers(names),
        }),
        query: Some(match &backend.query {
            None => admission::all(),
            Some(names) => admission::listed(names.clone()),
        }),
        decoder: decoder.into(),
        target: backend.target.clone(),
        list_targets: own.list_targets,
        allow,
        deny,
        mapping: backend.mapping.iter().cloned().collect(),
        operations: backend.flatmap.as_ref().map(operations).unwrap_or_default(),
        group: backend.group.clone().unwrap_or_default(),
        failure: failure.into(),
        failure_name,
        copies: if copies > 1 { copies } else { 0 },
        shadow_timeout: backend.shadow.map(|shadow| duration(shadow.timeout)),
        required: own.required,
        redirects: REDIRECTS,
        ..Default::default()
    };
    component::of_backend(endpoint, (index, backend), scope, &mut call);
    if backend.headers.as_ref().is_some_and(|names| !names.iter().any(|name| name.eq_ignore_ascii_case(USER_AGENT))) {
        // The client library of KrakenD names itself where nobody else is named.
        let field = config::ResponseField { name: USER_AGENT.to_owned(), value: LIBRARY.to_owned() };
        let kind = Some(config::modifier::Kind::SetHeader(field));
        call.modifiers.insert(0, config::Modifier { on_request: true, on_response: false, kind });
    }
    call
}

fn decoder(backend: &Backend) -> Decoder {
    match (backend.decoding, backend.is_collection) {
        (Decoding::Json, false) => Decoder::Json,
        (Decoding::Json, true) => Decoder::JsonList,
        (Decoding::SafeJson, _) => Decoder::AnyJson,
        (Decoding::Xml, false) => Decoder::Xml,
        (Decoding::Xml, true) => Decoder::XmlList,
        (Decoding::Rss, _) => Decoder::Feed,
        (Decoding::Text, _) => Decoder::Text,
        (Decoding::NoOp, _) => Decoder::Opaque,
    }
}

fn tree(paths: &[Vec<String>]) -> config::NameTree {
    config::NameTree { paths: paths.iter().map(|names| config::NamePath { names: names.clone() }).collect() }
}

/// Operations on fields.
pub(super) fn operations(flatmap: &Flatmap) -> Vec<config::DataOperation> {
    let operation = |operation: &FlatmapOperation| match operation {
        FlatmapOperation::Move { from, to } => Operation::Move(FromTo { from: from.clone(), to: to.clone() }),
        FlatmapOperation::Append { from, to } => Operation::Append(FromTo { from: from.clone(), to: to.clone() }),
        FlatmapOperation::Delete(paths) => Operation::Delete(tree(paths)),
    };
    flatmap.operations.iter().map(|it| config::DataOperation { kind: Some(operation(it)) }).collect()
}

/// A part of a pattern. What nothing fills goes out as KrakenD sends it.
fn segment(part: &UrlPart, endpoint: &Endpoint, earlier: usize) -> config::PatternSegment {
    let kind = match part {
        UrlPart::Literal(text) => Segment::Literal(text.clone()),
        UrlPart::Variable(name) => Segment::Parameter(name.clone()),
        UrlPart::Response { backend, field } => {
            match matches!(endpoint.order, Order::Sequential { .. }).then(|| reference(*backend, field, earlier)) {
                Some(Some(reference)) => Segment::Reference(reference),
                _ => Segment::Literal(format!("{{{{.Resp{backend}_{field}}}}}")),
            }
        }
        UrlPart::Claim(claim) if validates(endpoint) => Segment::Claim(claim.clone()),
        UrlPart::Claim(claim) => Segment::Literal(format!("{{{{.JWT.{claim}}}}}")),
    };
    config::PatternSegment { kind: Some(kind) }
}

/// Whether there is a token whose claims can be used.
fn validates(endpoint: &Endpoint) -> bool {
    component::serves(&endpoint.extensions, "auth/validator")
}

/// A field of an earlier answer; none of what is not there yet.
pub(super) fn reference(call: usize, field: &str, earlier: usize) -> Option<config::Reference> {
    let path = if field.is_empty() { Vec::new() } else { field.split('.').map(str::to_owned).collect() };
    (call < earlier).then(|| config::Reference { call: u32::try_from(call).unwrap_or(u32::MAX), path })
}

/// Whom it calls. Each host of a list once, with as much weight as often as it is there.
fn targets(endpoint: &Endpoint, (index, backend): (usize, &Backend), scope: &Scope<'_>) -> Vec<config::CallTarget> {
    let root = Path::ROOT.key("endpoints");
    let path = root.index(endpoint.index);
    let path = path.key("backend");
    let path = path.index(index);
    let path = path.key("host");
    let policy = backend.own.policy.as_deref();
    let hosts = match &backend.upstream {
        Upstream::Hosts(hosts) => hosts,
        Upstream::Srv { name, scheme } => {
            return scope.records(name, scheme, policy, backend.place, &path).into_iter().collect();
        }
    };
    let mut weights: Vec<(&Host, u32)> = Vec::new();
    let mut places: HashMap<&Host, usize> = HashMap::new();
    for host in hosts.iter() {
        let place = *places.entry(host).or_insert(weights.len());
        match weights.get_mut(place) {
            Some((_, weight)) => *weight += 1,
            None => weights.push((host, 1)),
        }
    }
    let mut targets = Vec::with_capacity(weights.len());
    for (host, weight) in weights {
        // What fails with KrakenD when a request comes, and is no fault of the file, is a host that cannot be called.
        let name = host.authority.rsplit_once(':').map_or(host.authority.as_str(), |(name, _)| name);
        let is_name = name.starts_with('[')
            || name.parse::<IpAddr>().is_ok()
            || hostname::is_dns_name(&hostname::canonical(name));
        if host.scheme.is_empty() || !is_name {
            let message = format!("{} cannot be called: a request that is to go there fails", quoted(&host.authority));
            scope.report.surprising(backend.place, &path, message);
            continue;
        }
        targets.extend(scope.target(host, weight, policy, backend.place, &path));
    }
    targets
}

//! Backends.

use std::collections::HashSet;
use std::sync::Arc;

use super::endpoint::Parent;
use super::host::Records;
use super::patterns::{Patterns, Unfilled, rooted};
use super::{Context, extensions, host, own, pipeline, rules};
use crate::config;
use crate::namespace::Level;
use crate::place::Path;
use crate::plan::{Backend, Decoding, Errors, Filter, Host, Output, Upstream, UrlPart};
use crate::problem::Report;
use crate::quote::{cut, listed, quoted};

/// Resolves the backend that is written `index`th. `None` where it is refused.
pub(super) fn backend(
    context: &Context<'_>,
    parent: &Parent<'_>,
    (index, config): (usize, &config::Backend<'_>),
    path: &Path<'_>,
) -> Option<Backend> {
    let report = context.report;
    let before = config.host.as_ref().map(|hosts| hosts.value.len()).unwrap_or_default();
    let upstream = upstream(context, config, path);
    let is_sound = match &upstream {
        Upstream::Hosts(hosts) => before == 0 || hosts.len() == before,
        Upstream::Srv { name, .. } => !name.is_empty(),
    };
    let url = url(context, parent, (index, config), path)?;
    if !is_sound {
        return None;
    }
    own::check(&config.extras, Level::Backend, path, report);
    let settings = pipeline::backend(config, parent.timeout, path, report);
    Some(Backend {
        place: config.place,
        upstream,
        method: config.method.as_ref().map_or(parent.method, |method| method.value.as_str()).to_uppercase(),
        url,
        decoding: decoding(parent, config, path, report),
        is_collection: config.is_collection,
        target: target(config, path, report),
        filter: filter(config, settings.flatmap.is_some(), path, report),
        mapping: mapping(config, settings.flatmap.is_some(), path, report),
        group: config.group.as_ref().map(|group| group.value.clone()),
        flatmap: settings.flatmap,
        headers: rules::backend_headers(config, path, report),
        query: rules::backend_query(config, path, report),
        errors: errors(config),
        shadow: settings.shadow,
        own: own::backend(&context.service.extras, &parent.config.extras, &config.extras),
        extensions: extensions(&config.extras, path),
    })
}

/// Whom it calls. A host that is refused is left out.
fn upstream(context: &Context<'_>, config: &config::Backend<'_>, path: &Path<'_>) -> Upstream {
    let report = context.report;
    let is_dns = records(config) == Records::Srv;
    let hosts = hosts(context, config, path);
    if let Some(sd) = config.sd.as_ref().filter(|sd| !matches!(sd.value.as_str(), "static" | "dns")) {
        let message =
            format!("{} is no discovery that it knows, so the hosts are called as they are written", quoted(&sd.value));
        report.dropped(sd.place, &path.key("sd"), message);
    }
    let was_written = config.host.as_ref().is_some_and(|hosts| !hosts.value.is_empty());
    let place = config.host.as_ref().map_or(config.place, |host| host.place);
    let path = path.key("host");
    if is_dns {
        return srv(config, (&hosts, was_written), (place, &path), report);
    }
    if hosts.is_empty() && !was_written && context.service.host.is_empty() {
        report.surprising(
            place,
            &path,
            "there is no host here and none of the service: every request fails with \"no hosts available\"",
        );
    }
    Upstream::Hosts(hosts)
}

fn records(config: &config::Backend<'_>) -> Records {
    match config.sd.as_ref().is_some_and(|sd| sd.value == "dns") {
        true => Records::Srv,
        false => Records::Address,
    }
}

fn hosts(context: &Context<'_>, config: &config::Backend<'_>, path: &Path<'_>) -> Arc<[Host]> {
    match config.host.as_ref().filter(|hosts| !hosts.value.is_empty()) {
        None => Arc::clone(&context.hosts),
        Some(hosts) if config.disable_host_sanitize => {
            host::verbatim(&hosts.value, records(config), &path.key("host"), context.report).into()
        }
        Some(hosts) => host::sanitised(&hosts.value, &path.key("host"), context.report).into(),
    }
}

/// The name whose SRV records say whom to call.
fn srv(
    config: &config::Backend<'_>,
    (hosts, was_written): (&[Host], bool),
    (place, path): (crate::place::Place, &Path<'_>),
    report: &Report,
) -> Upstream {
    let scheme = config.sd_scheme.as_ref().map_or("http", |scheme| scheme.value.as_str()).to_owned();
    let Some(first) = hosts.first() else {
        if !was_written {
            report.refused(
                place,
                path,
                "with sd \"dns\" KrakenD panics at start where there is no host: it is the name of the SRV records",
            );
        }
        return Upstream::Srv { name: String::new(), scheme };
    };
    if hosts.len() > 1 {
        report.dropped(place, path, "with sd \"dns\" only the first host counts");
    }
    if !config.disable_host_sanitize || !first.scheme.is_empty() {
        let message = "with sd \"dns\" a host is the name of SRV records, without a scheme, and disable_host_sanitize must be true: \
                       the name that is looked up begins with http:// otherwise, and is never found";
        report.surprising(place, path, message);
    }
    Upstream::Srv { name: first.authority.clone(), scheme }
}

/// What it asks for, by KrakenD's own checks of variables.
fn url(
    context: &Context<'_>,
    parent: &Parent<'_>,
    (index, config): (usize, &config::Backend<'_>),
    path: &Path<'_>,
) -> Option<crate::plan::UrlPattern> {
    let report = context.report;
    let written = config.url_pattern.as_ref();
    let place = written.map_or(config.place, |written| written.place);
    let path = path.key("url_pattern");
    let cleaned = rooted(written.map(|written| written.value.as_str()).unwrap_or_default());
    if let Err(unfilled) = Patterns::check(&cleaned, parent.variables) {
        let about = |output: &[String]| {
            let (method, colons) = (cut(parent.method), cut(parent.colons));
            let (input, output) = (listed(parent.variables), listed(output));
            format!("endpoint: {method} {colons}, backend: {index}. input: {input}, output: {output}")
        };
        let message = match unfilled {
            Unfilled::Count { output } => format!("input and output params do not match. {}", about(&output)),
            Unfilled::Unknown { name, output } => {
                format!("undefined output param '{}'! {}", cut(&name), about(&output))
            }
        };
        report.refused(place, &path, message);
        return None;
    }
    if let Some(written) = written {
        if written.value.contains("://") {
            report.surprising(
                place,
                &path,
                format!("a host belongs to host: this asks for the path {}", quoted(&cleaned)),
            );
        } else if !written.value.starts_with('/') {
            report.surprising(place, &path, format!("KrakenD takes it for {}", quoted(&cleaned)));
        }
    }
    let url = Patterns::url(&cleaned, parent.route);
    for part in &url.parts {
        match part {
            UrlPart::Response { backend, .. } if !parent.is_sequential => {
                let message =
                    format!("resp{backend}_ is filled in sequential endpoints alone: set \"sequential\" of \"proxy\"");
                report.surprising(place, &path, message);
            }
            UrlPart::Response { backend, .. } if *backend >= index => {
                let message = format!("resp{backend}_ is of an answer that is not there yet: this is backend {index}");
                report.surprising(place, &path, message);
            }
            UrlPart::Claim(claim) if parent.config.extras.get("auth/validator").is_none() => {
                let message = format!("{{JWT.{claim}}} is never filled: the endpoint has no \"auth/validator\"");
                report.surprising(place, &path, message);
            }
            _ => {}
        }
    }
    Some(url)
}

/// How answers are read. KrakenD takes JSON for what it does not know.
fn decoding(parent: &Parent<'_>, config: &config::Backend<'_>, path: &Path<'_>, report: &Report) -> Decoding {
    let decoding = match config.encoding.as_ref() {
        None => Decoding::Json,
        Some(written) => match written.value.to_lowercase().as_str() {
            "json" => Decoding::Json,
            "safejson" => Decoding::SafeJson,
            "xml" => Decoding::Xml,
            "rss" => Decoding::Rss,
            "string" => Decoding::Text,
            "no-op" => Decoding::NoOp,
            other => {
                let words = ["json", "safejson", "xml", "rss", "string", "no-op"];
                let hint = crate::hint::closest(other, words)
                    .map(|word| format!("; did you mean {word}?"))
                    .unwrap_or_default();
                let message =
                    format!("{} is no encoding that it knows, so answers are read as JSON{hint}", quoted(other));
                report.dropped(written.place, &path.key("encoding"), message);
                Decoding::Json
            }
        },
    };
    if parent.output == Output::NoOp {
        return Decoding::NoOp;
    }
    if decoding == Decoding::NoOp && !parent.is_sequential {
        let place = config.encoding.as_ref().map_or(config.place, |encoding| encoding.place);
        let message =
            "the answer is not read, and output_encoding of the endpoint is not no-op: clients get {} without it";
        report.surprising(place, &path.key("encoding"), message);
    }
    decoding
}

fn dotted(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

fn target(config: &config::Backend<'_>, path: &Path<'_>, report: &Report) -> Vec<String> {
    let Some(target) = config.target.as_ref() else { return Vec::new() };
    if target.value.contains('/') {
        let message = "it is a dotted path to a field of the answer; there is no field of this name, so clients get {}";
        report.surprising(target.place, &path.key("target"), message);
    }
    dotted(&target.value)
}

fn filter(config: &config::Backend<'_>, has_flatmap: bool, path: &Path<'_>, report: &Report) -> Filter {
    let deny = config.deny.as_ref().filter(|deny| !deny.value.is_empty());
    let paths = |list: &[crate::place::At<String>]| list.iter().map(|field| dotted(&field.value)).collect();
    if has_flatmap {
        let fields = [("allow", config.allow.first().map(|field| field.place)), ("deny", deny.map(|deny| deny.place))];
        for (name, place) in fields {
            if let Some(place) = place {
                report.dropped(place, &path.key(name), "it is ignored: flatmap_filter of the backend takes its place");
            }
        }
        return Filter::All;
    }
    match (config.allow.is_empty(), deny) {
        (false, deny) => {
            if let Some(deny) = deny {
                report.dropped(deny.place, &path.key("deny"), "it is ignored: allow says already which fields stay");
            }
            Filter::Allow(paths(&config.allow))
        }
        (true, Some(deny)) => Filter::Deny(paths(&deny.value)),
        (true, None) => Filter::All,
    }
}

fn mapping(config: &config::Backend<'_>, has_flatmap: bool, path: &Path<'_>, report: &Report) -> Vec<(String, String)> {
    let path = path.key("mapping");
    let mut mapping = Vec::with_capacity(config.mapping.len());
    for (from, to) in &config.mapping {
        if has_flatmap {
            report.dropped(
                from.place,
                &path.key(&from.value),
                "it is ignored: flatmap_filter of the backend takes its place",
            );
            continue;
        }
        let name = to.split('.').next().unwrap_or_default();
        if name != to {
            let message = format!("a field gets another name at the top alone: KrakenD calls it {}", quoted(name));
            report.dropped(from.place, &path.key(&from.value), message);
        }
        if from.value.contains('.') {
            let message = "only fields of the top level get another name, and none of them has a dot";
            report.surprising(from.place, &path.key(&from.value), message);
        }
        mapping.push((from.value.clone(), name.to_owned()));
    }
    mapping
}

fn errors(config: &config::Backend<'_>) -> Errors {
    let Some(http) = config.extras.get("backend/http") else { return Errors::Hidden };
    let details = http.node.get("return_error_details").and_then(|entry| entry.node.text());
    match details.filter(|name| !name.is_empty()) {
        Some(name) => Errors::Details(name.to_owned()),
        None if http.node.get("return_error_code").is_some_and(|entry| entry.node.is_true()) => Errors::Status,
        None => Errors::Hidden,
    }
}

/// What is wrong with backends beside each other.
pub(super) fn together(parent: &Parent<'_>, backends: &[Backend], path: &Path<'_>, report: &Report) {
    let path = path.key("backend");
    let regular: Vec<(usize, &Backend)> =
        backends.iter().enumerate().filter(|(_, backend)| backend.shadow.is_none()).collect();
    if regular.is_empty() && backends.len() == parent.config.backends.len() {
        report.surprising(
            parent.config.place,
            &path,
            "every backend is a shadow, so there is none to answer: clients get 500",
        );
    }
    let mut groups = HashSet::new();
    for (index, backend) in &regular {
        let Some(group) = backend.group.as_deref() else { continue };
        if !groups.insert(group) {
            let place =
                parent.config.backends.get(*index).and_then(|config| config.group.as_ref()).map(|group| group.place);
            let message = format!(
                "another backend of the endpoint has the group {} as well: one answer takes the other's place",
                quoted(group)
            );
            report.surprising(place.unwrap_or(backend.place), &path.index(*index).key("group"), message);
        }
    }
}

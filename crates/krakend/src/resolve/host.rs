//! Hosts, as KrakenD sanitises them.

use std::sync::LazyLock;

use regex::Regex;

use crate::place::{At, Path};
use crate::plan::Host;
use crate::problem::Report;
use crate::quote::quoted;

/// What a host is made of. The expression is KrakenD's, because which texts it finds once, and in which of their parts, is what
/// decides.
static PATTERN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(https?://)?([a-zA-Z0-9\._\-]+)(:[0-9]{2,6})?/?").ok());

/// Hosts cut down to scheme, name and port. What is none is told.
pub(super) fn sanitised(written: &[At<String>], path: &Path<'_>, report: &Report) -> Vec<Host> {
    let mut hosts = Vec::with_capacity(written.len());
    for (index, host) in written.iter().enumerate() {
        let path = path.index(index);
        match sanitise(&host.value) {
            Some(found) => {
                advise(host, &found, &path, report);
                hosts.push(found);
            }
            None => {
                let why = reason(&host.value);
                report.refused(host.place, &path, format!("host {} not valid: invalid host{why}", host.value));
            }
        }
    }
    hosts
}

fn sanitise(text: &str) -> Option<Host> {
    let pattern = PATTERN.as_ref()?;
    let mut found = pattern.captures_iter(text);
    let (only, None) = (found.next()?, found.next()) else { return None };
    let part = |index: usize| only.get(index).map_or("", |part| part.as_str());
    let scheme = if part(1).starts_with("https") { "https" } else { "http" };
    Some(Host { scheme: scheme.to_owned(), authority: format!("{}{}", part(2), part(3)), base: String::new() })
}

/// What the owner of a host that is refused may do.
fn reason(text: &str) -> &'static str {
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    if text.is_empty() {
        "; it is empty"
    } else if text.contains('<') {
        "; a template had no value for it"
    } else if after_scheme.contains('[') {
        "; an IPv6 address needs disable_host_sanitize"
    } else if after_scheme.trim_end_matches('/').contains('/') {
        "; a path belongs to url_pattern, or needs disable_host_sanitize"
    } else if text.contains("://") && !text.starts_with("http://") && !text.starts_with("https://") {
        "; another scheme than http and https needs disable_host_sanitize"
    } else {
        ""
    }
}

/// A host that is taken and not as it is written.
fn advise(written: &At<String>, host: &Host, path: &Path<'_>, report: &Report) {
    let text = written.value.as_str();
    let url = format!("{}://{}", host.scheme, host.authority);
    if text.contains('$') {
        let message = format!("a placeholder was left in: KrakenD takes it for the host {}", quoted(&url));
        report.dropped(written.place, path, message);
    } else if matches!(text, "http://" | "https://") {
        report.dropped(
            written.place,
            path,
            format!("there is no name in it: KrakenD takes it for the host {}", quoted(&url)),
        );
    } else {
        let expected = text.trim().trim_end_matches('/');
        if expected != url && expected != host.authority {
            report.dropped(written.place, path, format!("KrakenD takes it for the host {}", quoted(&url)));
        }
    }
}

/// Which records a host has in DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Records {
    /// A and AAAA: it is dialled.
    Address,
    /// SRV: it is asked for whom to dial.
    Srv,
}

/// Hosts as they are written.
pub(super) fn verbatim(written: &[At<String>], records: Records, path: &Path<'_>, report: &Report) -> Vec<Host> {
    let mut hosts = Vec::with_capacity(written.len());
    for (index, host) in written.iter().enumerate() {
        let path = path.index(index);
        let text = host.value.as_str();
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if text.contains('$') {
            report.dropped(host.place, &path, "a placeholder was left in");
        } else if records == Records::Address && (scheme.is_empty() || authority.is_empty()) {
            let message = "with disable_host_sanitize a host is written with its scheme, such as http://name:80: \
                           every request to this one fails with 500";
            report.surprising(host.place, &path, message);
        }
        hosts.push(Host { scheme: scheme.to_owned(), authority: authority.to_owned(), base: base.to_owned() });
    }
    hosts
}

use std::collections::HashSet;

use super::super::super::external_auth;
use super::super::super::reference::{MAX_NAME, check_local};
use super::super::{HeaderModifier, HttpRouteFilter, PathModifier, PathModifierType, RequestMirror, RequestRedirect};
use super::cors;
use super::matches::is_token;
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;

const MAX_FILTERS: usize = 16;
const MAX_HEADERS: usize = 16;
const MAX_HEADER_NAME: usize = 256;
const MAX_HEADER_VALUE: usize = 4096;
const MAX_PATH: usize = 1024;
const REDIRECTS: [i32; 5] = [301, 302, 303, 307, 308];

/// Types, the field that each has, and whether there can be several.
const TYPES: [(&str, &str, bool); 8] = [
    ("RequestHeaderModifier", "requestHeaderModifier", false),
    ("ResponseHeaderModifier", "responseHeaderModifier", false),
    ("RequestMirror", "requestMirror", true),
    ("RequestRedirect", "requestRedirect", false),
    ("URLRewrite", "urlRewrite", false),
    ("ExtensionRef", "extensionRef", true),
    ("CORS", "cors", false),
    ("ExternalAuth", "externalAuth", false),
];

/// Checks the filters of a rule or of one of its backends. `one_prefix` says whether the rule has exactly one match and
/// that of a path prefix.
pub(super) fn check(filters: &[HttpRouteFilter], one_prefix: bool, path: &FieldPath, findings: &mut Findings) {
    if !findings.most(path, filters.len(), MAX_FILTERS) {
        return;
    }
    let mut seen = HashSet::new();
    for (index, given) in filters.iter().enumerate() {
        let path = path.index(index);
        let repeatable = filter(given, &path, findings);
        if !seen.insert(given.kind.as_str()) && !repeatable {
            findings.forbidden(&path, &format!("a filter of type {} cannot be repeated", given.kind));
        }
        if let Some(redirect) = &given.request_redirect {
            check_redirect(redirect, one_prefix, &path.child("requestRedirect"), findings);
        }
        if let Some(rewrite) = &given.url_rewrite {
            let path = path.child("urlRewrite");
            rewrite_to(rewrite.hostname.as_deref(), rewrite.path.as_ref(), one_prefix, &path, findings);
        }
        let modifiers = [
            ("requestHeaderModifier", &given.request_header_modifier),
            ("responseHeaderModifier", &given.response_header_modifier),
        ];
        for (name, modifier) in modifiers {
            if let Some(modifier) = modifier {
                headers(modifier, &path.child(name), findings);
            }
        }
        if let Some(given) = &given.request_mirror {
            mirror(given, &path.child("requestMirror"), findings);
        }
        if let Some(extension) = &given.extension_ref {
            check_local(extension, &path.child("extensionRef"), findings);
        }
        if let Some(given) = &given.cors {
            cors::check(given, &path.child("cors"), findings);
        }
        if let Some(given) = &given.external_auth {
            external_auth::check(given, &path.child("externalAuth"), findings);
        }
    }
    if seen.contains("RequestRedirect") && seen.contains("URLRewrite") {
        findings.forbidden(path, "may have a RequestRedirect or a URLRewrite filter, not both");
    }
}

/// Checks that exactly the field of its type is there. Returns whether its type may be repeated.
fn filter(filter: &HttpRouteFilter, path: &FieldPath, findings: &mut Findings) -> bool {
    let is_set = [
        filter.request_header_modifier.is_some(),
        filter.response_header_modifier.is_some(),
        filter.request_mirror.is_some(),
        filter.request_redirect.is_some(),
        filter.url_rewrite.is_some(),
        filter.extension_ref.is_some(),
        filter.cors.is_some(),
        filter.external_auth.is_some(),
    ];
    let Some((kind, _, repeatable)) = TYPES.iter().find(|(kind, ..)| *kind == filter.kind) else {
        if filter.kind.is_empty() {
            findings.required(&path.child("type"), "");
        } else {
            findings.one_of(&path.child("type"), &filter.kind, &TYPES.map(|(kind, ..)| kind));
        }
        return true;
    };
    for ((of, field, _), is_set) in TYPES.iter().zip(is_set) {
        if of == kind && !is_set {
            findings.required(&path.child(field), &format!("must be specified for a filter of type {kind}"));
        } else if of != kind && is_set {
            findings.forbidden(&path.child(field), &format!("must not be specified for a filter of type {kind}"));
        }
    }
    *repeatable
}

fn headers(modifier: &HeaderModifier, path: &FieldPath, findings: &mut Findings) {
    for (list, headers) in [("set", &modifier.set), ("add", &modifier.add)] {
        let path = path.child(list);
        if !findings.most(&path, headers.len(), MAX_HEADERS) {
            continue;
        }
        let mut seen = HashSet::new();
        for (index, header) in headers.iter().enumerate() {
            let path = path.index(index);
            header_name(&header.name, &path.child("name"), findings);
            if !seen.insert(&header.name) {
                findings.add(FieldError::duplicate(path.child("name"), &header.name));
            }
            let path = path.child("value");
            if findings.text(&path, &header.value, MAX_HEADER_VALUE)
                && header.value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control())
            {
                findings.invalid(&path, &header.value, "must not have control characters, which would end the header");
            }
        }
    }
    let path = path.child("remove");
    if findings.most(&path, modifier.remove.len(), MAX_HEADERS) {
        let mut seen = HashSet::new();
        for (index, name) in modifier.remove.iter().enumerate() {
            let path = path.index(index);
            header_name(name, &path, findings);
            if !seen.insert(name) {
                findings.add(FieldError::duplicate(path, name));
            }
        }
    }
}

pub(super) fn header_name(name: &str, path: &FieldPath, findings: &mut Findings) {
    if findings.text(path, name, MAX_HEADER_NAME) && !is_token(name) {
        findings.invalid(path, name, "must be a token as in RFC 9110: letters, digits and any of !#$%&'*+-.^_`|~");
    }
}

fn check_redirect(redirect: &RequestRedirect, one_prefix: bool, path: &FieldPath, findings: &mut Findings) {
    rewrite_to(redirect.hostname.as_deref(), redirect.path.as_ref(), one_prefix, path, findings);
    if let Some(scheme) = &redirect.scheme {
        findings.one_of(&path.child("scheme"), scheme, &["http", "https"]);
    }
    if let Some(port) = redirect.port {
        findings.port(&path.child("port"), port);
    }
    if let Some(code) = redirect.status_code.filter(|code| !REDIRECTS.contains(code)) {
        let known = REDIRECTS.map(|code| code.to_string());
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        findings.add(FieldError::not_supported(path.child("statusCode"), code, &known));
    }
}

fn rewrite_to(
    hostname: Option<&str>,
    modifier: Option<&PathModifier>,
    one_prefix: bool,
    path: &FieldPath,
    findings: &mut Findings,
) {
    if let Some(hostname) = hostname {
        findings.each(&path.child("hostname"), hostname, name::precise_hostname(hostname));
    }
    let Some(modifier) = modifier else { return };
    let path = path.child("path");
    let fields = [
        (PathModifierType::ReplaceFullPath, "replaceFullPath", &modifier.replace_full_path),
        (PathModifierType::ReplacePrefixMatch, "replacePrefixMatch", &modifier.replace_prefix_match),
    ];
    for (kind, name, value) in fields {
        let path = path.child(name);
        match value {
            None if modifier.kind == kind => findings.required(&path, &format!("must be specified for type {kind:?}")),
            Some(_) if modifier.kind != kind => {
                findings.forbidden(&path, &format!("must not be specified for type {:?}", modifier.kind));
            }
            Some(value) => replacement(value, &path, findings),
            None => (),
        }
    }
    if modifier.replace_prefix_match.is_some() && !one_prefix {
        let detail =
            "needs a rule with exactly one match, of a path of type PathPrefix, to know which prefix to replace";
        findings.forbidden(&path.child("replacePrefixMatch"), detail);
    }
}

fn replacement(value: &str, path: &FieldPath, findings: &mut Findings) {
    let cannot_be_sent = |byte: u8| byte.is_ascii_control() || byte == b' ';
    if findings.longest(path, value, MAX_PATH) && value.bytes().any(cannot_be_sent) {
        findings.invalid(path, value, "must not have spaces or control characters");
    }
}

fn mirror(mirror: &RequestMirror, path: &FieldPath, findings: &mut Findings) {
    let backend = path.child("backendRef");
    findings.text(&backend.child("name"), &mirror.backend_ref.name, MAX_NAME);
    if let Some(port) = mirror.backend_ref.port {
        findings.port(&backend.child("port"), port);
    }
    if mirror.percent.is_some() && mirror.fraction.is_some() {
        findings.forbidden(&path.child("fraction"), "only one of percent and fraction may be specified");
    }
    if let Some(percent) = mirror.percent {
        findings.within(&path.child("percent"), percent, &(0..=100));
    }
    let Some(fraction) = &mirror.fraction else { return };
    let path = path.child("fraction");
    let denominator = fraction.denominator.unwrap_or(100);
    if denominator < 1 {
        findings.add(FieldError::invalid(path.child("denominator"), denominator, "must be at least 1"));
    }
    if fraction.numerator < 0 {
        findings.add(FieldError::invalid(path.child("numerator"), fraction.numerator, "must be at least 0"));
    } else if fraction.numerator > denominator.max(1) {
        let detail = "must be less than or equal to denominator";
        findings.add(FieldError::invalid(path.child("numerator"), fraction.numerator, detail));
    }
}

//! Redirects and answers.

use backstay_model::{Redirect, Respond};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::route::v3 as pb;
use http::{HeaderValue, StatusCode, header};
use pb::redirect_action::{PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier};
use pb::route::Action;
use pb::route_match::PathSpecifier;

use super::edits::{NewPath, new_path, option};
use crate::wire::inline;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// Answers every request that gets to it.
pub(super) fn fixed(status: u16, body: &'static str) -> pb::Route {
    let condition =
        pb::RouteMatch { path_specifier: Some(PathSpecifier::Prefix("/".to_owned())), ..Default::default() };
    instead(condition, status, body)
}

/// The same, for requests that match.
pub(super) fn instead(condition: pb::RouteMatch, status: u16, body: &'static str) -> pb::Route {
    let action = pb::DirectResponseAction {
        status: status.into(),
        body: if body.is_empty() { None } else { inline(body) },
        ..Default::default()
    };
    pb::Route {
        r#match: Some(condition),
        response_headers_to_add: content_type(&TEXT).filter(|_| !body.is_empty()).into_iter().collect(),
        action: Some(Action::DirectResponse(action)),
        ..Default::default()
    }
}

fn content_type(value: &HeaderValue) -> Option<core::HeaderValueOption> {
    option(&header::CONTENT_TYPE, value, HeaderAppendAction::OverwriteIfExistsOrAdd)
}

/// An answer that an operator wrote, and the headers it has. `None` where a header cannot be sent.
pub(super) fn respond(respond: &Respond) -> Option<(Action, Vec<core::HeaderValueOption>)> {
    let action = pb::DirectResponseAction {
        status: respond.status.as_u16().into(),
        body: if respond.body.is_empty() { None } else { inline(respond.body.clone()) },
        ..Default::default()
    };
    let mut headers: Vec<_> =
        if respond.body.is_empty() { Vec::new() } else { vec![content_type(&respond.content_type)?] };
    for (name, value) in &respond.headers {
        headers.push(option(name, value, HeaderAppendAction::AppendIfExistsOrAdd)?);
    }
    Some((Action::DirectResponse(action), headers))
}

/// Sends clients elsewhere. `port` is that of the socket that is served, and `prefix` what the route matched by.
pub(super) fn redirect(redirect: &Redirect, port: u16, prefix: Option<&str>) -> Action {
    let path = redirect.path.as_ref().and_then(|edit| new_path(edit, prefix)).map(|new| match new {
        NewPath::Prefix(prefix) => PathRewriteSpecifier::PrefixRewrite(prefix),
        NewPath::Regex(regex) => PathRewriteSpecifier::RegexRewrite(regex),
        NewPath::Whole(path) => PathRewriteSpecifier::PathRedirect(path),
    });
    let code = match redirect.status {
        StatusCode::MOVED_PERMANENTLY => RedirectResponseCode::MovedPermanently,
        StatusCode::SEE_OTHER => RedirectResponseCode::SeeOther,
        StatusCode::TEMPORARY_REDIRECT => RedirectResponseCode::TemporaryRedirect,
        StatusCode::PERMANENT_REDIRECT => RedirectResponseCode::PermanentRedirect,
        _ => RedirectResponseCode::Found,
    };
    let well_known = matches!(port, 80 | 443);
    let port_redirect = match (redirect.port, redirect.scheme.as_deref()) {
        (Some(port), scheme) => {
            // Of a scheme that is said, its own port goes without saying.
            let silent = matches!((port.get(), scheme), (80, Some("http")) | (443, Some("https")));
            if silent && (redirect.hostname.is_some() || well_known) { 0 } else { port.get().into() }
        }
        // The port in the request's host goes where the host goes, unless another is said.
        (None, Some(scheme)) if redirect.hostname.is_none() && !well_known => {
            if scheme == "https" {
                443
            } else {
                80
            }
        }
        (None, None) if redirect.hostname.is_some() && !well_known => port.into(),
        (None, _) => 0,
    };
    Action::Redirect(pb::RedirectAction {
        host_redirect: redirect.hostname.as_deref().unwrap_or_default().to_owned(),
        port_redirect,
        response_code: code.into(),
        scheme_rewrite_specifier: redirect
            .scheme
            .as_deref()
            .map(|scheme| SchemeRewriteSpecifier::SchemeRedirect(scheme.to_owned())),
        path_rewrite_specifier: path,
        ..Default::default()
    })
}

//! Filters of rules and of references.

use backstay_proto::config;
use backstay_proto::config::filter::Kind;
use backstay_resources::gateway::{
    Cors, HeaderModifier, HttpHeader, HttpRouteFilter, PathModifier, PathModifierType, RequestMirror, RequestRedirect,
    UrlRewrite,
};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};

use super::matching::without_trailing_slash;
use super::reference::{Reference, resolve};
use super::rule::{Found, Scope};
use crate::hostname;

/// Why a filter cannot be honoured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum FilterFault {
    #[error("filter {0} is not supported")]
    Unsupported(String),
    #[error("filter {0} is not supported on a backendRef")]
    UnsupportedHere(&'static str),
    #[error("filter {0} lacks its settings")]
    Empty(&'static str),
    #[error("filter {0} is given twice")]
    Repeated(&'static str),
    #[error("filters RequestRedirect and {0} cannot be combined: a request that is redirected is sent nowhere")]
    Incompatible(&'static str),
    #[error("filter {0} has no effect without backendRefs")]
    NothingToForward(&'static str),
    #[error("{0}")]
    Value(String),
}

impl FilterFault {
    /// Reason of the condition.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Incompatible(_) => "IncompatibleFilters",
            _ => "UnsupportedValue",
        }
    }
}

/// The filters that change what is sent to a backend, or to another one beside it: of no effect where nothing is.
const OF_FORWARDING: [&str; 3] = ["RequestHeaderModifier", "URLRewrite", "RequestMirror"];

/// The first of `wanted` that has no effect unless the request is forwarded.
pub(super) fn of_forwarding(wanted: &[HttpRouteFilter]) -> Option<&'static str> {
    OF_FORWARDING.into_iter().find(|kind| wanted.iter().any(|filter| filter.kind == *kind))
}

/// Where filters stand.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Their path, as in `rules[0].filters`.
    pub(super) at: &'a str,
    /// Whether all matches of the rule are by path prefix.
    pub(super) by_prefix: bool,
    /// Whether they are a reference's own.
    pub(super) of_backend: bool,
}

/// What filters come to.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) changes: Vec<config::Filter>,
    /// An action.
    pub(super) redirect: Option<config::Redirect>,
    /// A guard of the rule.
    pub(super) cors: Option<config::Cors>,
}

/// Compiles filters. References of mirrors go to `found`.
pub(super) fn filters(
    wanted: &[HttpRouteFilter],
    place: Place<'_>,
    scope: &Scope<'_>,
    found: &mut Found,
) -> Result<Filters, FilterFault> {
    let mut compiled = Filters::default();
    let mut seen: Vec<&str> = Vec::new();
    for (index, filter) in wanted.iter().enumerate() {
        let kind = match filter.kind.as_str() {
            "RequestHeaderModifier" => {
                once(&mut seen, "RequestHeaderModifier")?;
                Some(Kind::RequestHeaders(headers("RequestHeaderModifier", filter.request_header_modifier.as_ref())?))
            }
            "ResponseHeaderModifier" => {
                once(&mut seen, "ResponseHeaderModifier")?;
                let modifier = filter.response_header_modifier.as_ref();
                Some(Kind::ResponseHeaders(headers("ResponseHeaderModifier", modifier)?))
            }
            "URLRewrite" => {
                once(&mut seen, "URLRewrite")?;
                let rewrite = filter.url_rewrite.as_ref().ok_or(FilterFault::Empty("URLRewrite"))?;
                Some(Kind::UrlRewrite(url_rewrite(rewrite, place)?))
            }
            "RequestMirror" => {
                let wanted = filter.request_mirror.as_ref().ok_or(FilterFault::Empty("RequestMirror"))?;
                mirror(wanted, &format!("{}[{index}].requestMirror.backendRef", place.at), scope, found)?
                    .map(Kind::Mirror)
            }
            "RequestRedirect" if place.of_backend => return Err(FilterFault::UnsupportedHere("RequestRedirect")),
            "RequestRedirect" => {
                once(&mut seen, "RequestRedirect")?;
                let wanted = filter.request_redirect.as_ref().ok_or(FilterFault::Empty("RequestRedirect"))?;
                compiled.redirect = Some(redirect(wanted, place)?);
                None
            }
            "CORS" if place.of_backend => return Err(FilterFault::UnsupportedHere("CORS")),
            "CORS" => {
                once(&mut seen, "CORS")?;
                compiled.cors = Some(cors(filter.cors.as_ref().ok_or(FilterFault::Empty("CORS"))?)?);
                None
            }
            other => return Err(FilterFault::Unsupported(other.to_owned())),
        };
        compiled.changes.extend(kind.map(|kind| config::Filter { kind: Some(kind) }));
    }
    if compiled.redirect.is_some()
        && let Some(kind) = of_forwarding(wanted)
    {
        return Err(FilterFault::Incompatible(kind));
    }
    Ok(compiled)
}

fn once(seen: &mut Vec<&'static str>, kind: &'static str) -> Result<(), FilterFault> {
    if seen.contains(&kind) {
        return Err(FilterFault::Repeated(kind));
    }
    seen.push(kind);
    Ok(())
}

fn headers(filter: &'static str, wanted: Option<&HeaderModifier>) -> Result<config::HeaderModifier, FilterFault> {
    let wanted = wanted.ok_or(FilterFault::Empty(filter))?;
    let pairs = |headers: &[HttpHeader]| headers.iter().map(header).collect::<Result<_, _>>();
    Ok(config::HeaderModifier {
        set: pairs(&wanted.set)?,
        add: pairs(&wanted.add)?,
        remove: wanted.remove.iter().map(|name| header_name(name)).collect::<Result<_, _>>()?,
    })
}

fn header(wanted: &HttpHeader) -> Result<config::Header, FilterFault> {
    if HeaderValue::from_str(&wanted.value).is_err() {
        let message = format!("header {} has a value with characters that a header cannot carry", wanted.name);
        return Err(FilterFault::Value(message));
    }
    Ok(config::Header { name: header_name(&wanted.name)?, value: wanted.value.clone() })
}

/// Headers that say where a message ends or what its connection does: RFC 9110, section 7.6.1, and RFC 9112, section 6.
/// An edit would make two parties disagree about that.
const OF_CONNECTIONS: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

fn valid_name(text: &str) -> Result<String, FilterFault> {
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(FilterFault::Value(format!("{text:?} is not a header name"))),
    }
}

fn header_name(text: &str) -> Result<String, FilterFault> {
    let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
        return Err(FilterFault::Value(format!("{text:?} is not a header name")));
    };
    if OF_CONNECTIONS.contains(&name.as_str()) {
        return Err(FilterFault::Value(format!("header {name} belongs to the connection; a filter cannot change it")));
    }
    if name == "cdn-loop" {
        let why = format!("header {name} ends circles of requests (RFC 8586); a filter cannot change it");
        return Err(FilterFault::Value(why));
    }
    Ok(name.as_str().to_owned())
}

fn url_rewrite(wanted: &UrlRewrite, place: Place<'_>) -> Result<config::UrlRewrite, FilterFault> {
    Ok(config::UrlRewrite {
        hostname: wanted.hostname.as_deref().map(host).transpose()?.unwrap_or_default(),
        path: wanted.path.as_ref().map(|path| path_modifier(path, place)).transpose()?,
    })
}

fn host(name: &str) -> Result<String, FilterFault> {
    let name = hostname::canonical(name);
    if hostname::is_name(&name) { Ok(name) } else { Err(FilterFault::Value(format!("{name:?} is not a host name"))) }
}

fn path_modifier(wanted: &PathModifier, place: Place<'_>) -> Result<config::PathModifier, FilterFault> {
    use config::path_modifier::Kind;
    let kind = match wanted.kind {
        PathModifierType::ReplaceFullPath => {
            let path = wanted.replace_full_path.clone().ok_or(FilterFault::Empty("ReplaceFullPath"))?;
            check_path(&path)?;
            Kind::ReplaceFull(path)
        }
        PathModifierType::ReplacePrefixMatch if !place.by_prefix => {
            let message = "ReplacePrefixMatch needs matches of type PathPrefix in its rule";
            return Err(FilterFault::Value(message.to_owned()));
        }
        PathModifierType::ReplacePrefixMatch => {
            let prefix = wanted.replace_prefix_match.as_deref().ok_or(FilterFault::Empty("ReplacePrefixMatch"))?;
            let prefix = without_trailing_slash(prefix);
            check_path(prefix)?;
            Kind::ReplacePrefix(prefix.to_owned())
        }
    };
    Ok(config::PathModifier { kind: Some(kind) })
}

fn check_path(path: &str) -> Result<(), FilterFault> {
    let sound = path.starts_with('/') && !path.contains(['?', '#']) && path.parse::<PathAndQuery>().is_ok();
    if sound {
        return Ok(());
    }
    let message = format!("path {path:?} must begin with / and have only characters of a URL's path");
    Err(FilterFault::Value(message))
}

fn redirect(wanted: &RequestRedirect, place: Place<'_>) -> Result<config::Redirect, FilterFault> {
    let scheme = wanted.scheme.clone().unwrap_or_default();
    if !matches!(scheme.as_str(), "" | "http" | "https") {
        return Err(FilterFault::Value(format!("redirect scheme {scheme:?} is neither http nor https")));
    }
    let port = match wanted.port {
        None => 0,
        Some(port @ 1..=65535) => port.unsigned_abs(),
        Some(port) => return Err(FilterFault::Value(format!("redirect port {port} is not between 1 and 65535"))),
    };
    let status = match wanted.status_code.unwrap_or(302) {
        status @ (301 | 302 | 303 | 307 | 308) => status.unsigned_abs(),
        other => return Err(FilterFault::Value(format!("redirect status {other} is not 301, 302, 303, 307 or 308"))),
    };
    Ok(config::Redirect {
        scheme,
        hostname: wanted.hostname.as_deref().map(host).transpose()?.unwrap_or_default(),
        path: wanted.path.as_ref().map(|path| path_modifier(path, place)).transpose()?,
        port,
        status,
    })
}

/// Cross-origin resource sharing. Gateway API has answers to preflights name all that is allowed, with the status 200 or 204: 200 is
/// what its conformance tests of all versions take.
fn cors(wanted: &Cors) -> Result<config::Cors, FilterFault> {
    let names = |names: &[String]| {
        let name = |name: &String| if name == "*" { Ok("*".to_owned()) } else { valid_name(name) };
        names.iter().map(name).collect::<Result<Vec<_>, _>>()
    };
    for origin in &wanted.allow_origins {
        if origin.is_empty() || origin.matches('*').count() > 1 || !origin.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FilterFault::Value(format!("CORS: {origin:?} is not an origin")));
        }
    }
    if let Some(method) = wanted.allow_methods.iter().find(|method| Method::from_bytes(method.as_bytes()).is_err()) {
        return Err(FilterFault::Value(format!("CORS: {method:?} is not a method")));
    }
    Ok(config::Cors {
        origins: wanted.allow_origins.clone(),
        methods: wanted.allow_methods.clone(),
        headers: names(&wanted.allow_headers)?,
        exposed_headers: names(&wanted.expose_headers)?,
        max_age: Some(prost_types::Duration { seconds: wanted.max_age.unwrap_or(5).max(0).into(), nanos: 0 }),
        credentials: wanted.allow_credentials == Some(true),
        preflight_status: 200,
        names_all: true,
        ..config::Cors::default()
    })
}

/// A mirror. When its reference cannot be honoured there is none, and the route serves without.
fn mirror(
    wanted: &RequestMirror,
    at: &str,
    scope: &Scope<'_>,
    found: &mut Found,
) -> Result<Option<config::Mirror>, FilterFault> {
    let (numerator, denominator) = match (wanted.percent, &wanted.fraction) {
        (Some(_), Some(_)) => {
            return Err(FilterFault::Value("a mirror has both percent and fraction".to_owned()));
        }
        (Some(percent), None) => (percent, 100),
        (None, Some(fraction)) => (fraction.numerator, fraction.denominator.unwrap_or(100)),
        (None, None) => (1, 1),
    };
    let share = u32::try_from(numerator).ok().zip(u32::try_from(denominator).ok());
    let Some((numerator, denominator)) = share.filter(|(part, whole)| *whole > 0 && part <= whole) else {
        let message = format!("a mirror's share {numerator}/{denominator} is not between 0 and 1");
        return Err(FilterFault::Value(message));
    };
    let reference = Reference::from(&wanted.backend_ref);
    let backend = found.collect(resolve(reference, at, scope.backends));
    Ok(backend.map(|backend| config::Mirror { backend: Some(backend), numerator, denominator }))
}

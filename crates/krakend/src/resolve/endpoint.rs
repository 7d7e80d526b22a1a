//! Endpoints.

use std::collections::BTreeSet;

use super::routes::Routes;
use super::{Context, backend, extensions, own, patterns, pipeline, rules};
use crate::config;
use crate::duration::print;
use crate::namespace::Level;
use crate::place::{At, Path};
use crate::plan::{Endpoint, Method, Output};
use crate::problem::Report;
use crate::quote::{cut, quoted};

/// More than the schema of KrakenD allows, which its code does not look at.
const MANY_CALLS: i64 = 5;

/// Of an endpoint, what its backends are resolved with.
pub(super) struct Parent<'a> {
    pub(super) config: &'a config::Endpoint<'a>,
    /// As KrakenD's messages have it: the method as it is written, GET where it is not.
    pub(super) method: &'a str,
    /// As KrakenD's messages have it, with colons.
    pub(super) colons: &'a str,
    pub(super) route: &'a crate::plan::RoutePath,
    pub(super) variables: &'a BTreeSet<String>,
    pub(super) output: Output,
    pub(super) timeout: std::time::Duration,
    pub(super) is_sequential: bool,
}

/// Resolves an endpoint. `None` where it is refused, or not routed.
pub(super) fn endpoint(
    context: &Context<'_>,
    routes: &mut Routes,
    (index, config): (usize, &config::Endpoint<'_>),
    path: &Path<'_>,
) -> Option<Endpoint> {
    let report = context.report;
    let written = config.endpoint.as_ref().map(|text| text.value.as_str()).unwrap_or_default();
    let place = config.endpoint.as_ref().map_or(config.place, |text| text.place);
    let cleaned = patterns::rooted(written);
    let method = config.method.as_ref().map(|method| method.value.as_str());
    let shown = cut(method.unwrap_or_default());
    if patterns::Patterns::forbids(&cleaned) {
        let message = format!("ignoring the '{shown} {}' endpoint, since it is invalid!!!", cut(&cleaned));
        report.refused(place, &path.key("endpoint"), message);
        return None;
    }
    if config.backends.is_empty() {
        let message = format!("ignoring the '{shown} {}' endpoint, since it has 0 backends defined!", cut(&cleaned));
        report.refused(config.place, &path.key("backend"), message);
        return None;
    }
    let names = context.patterns.of_endpoint(&cleaned);
    let colons = patterns::colons(&cleaned, &names.iter().map(String::as_str).collect());
    let route = patterns::route(&colons);
    advise(context, config, path, &cleaned, &route);

    let output_text = config.output_encoding.as_ref().or(context.service.output_encoding.as_ref());
    let output = output(output_text, config, path, report);
    let mut is_sound = true;
    if output == Output::NoOp && config.backends.len() > 1 {
        let message = "can not use NoOp encoding with more than one backends connected to the same endpoint";
        report.refused(output_text.map_or(config.place, |text| text.place), &path.key("output_encoding"), message);
        is_sound = false;
    }
    let (timeout, cache_ttl) = times(context, config, path);
    own::check(&config.extras, Level::Endpoint, path, report);
    let pipeline = pipeline::endpoint(config, path, report);
    let variables = names.into_iter().collect();
    let method = method.unwrap_or("GET");
    let parent = Parent {
        config,
        method,
        colons: &colons,
        route: &route,
        variables: &variables,
        output,
        timeout,
        is_sequential: pipeline.is_sequential(),
    };
    let mut backends = Vec::with_capacity(config.backends.len());
    for (index, backend) in config.backends.iter().enumerate() {
        let path = path.key("backend");
        backends.extend(backend::backend(context, &parent, (index, backend), &path.index(index)));
    }
    is_sound &= backends.len() == config.backends.len();
    backend::together(&parent, &backends, path, report);
    let headers = rules::headers(context, config, path, method);
    let query = rules::query(context, config, path);
    let concurrent_calls = calls(config.concurrent_calls.as_ref(), path, report);
    let method = routed(method, config, path, report)?;
    // Looked at whatever is wrong with the backends, so that all is told at once.
    is_sound &= routes.add((method, &route.pattern), config, path, report);
    is_sound.then_some(Endpoint {
        place: config.place,
        index,
        method,
        path: route,
        timeout,
        cache_ttl,
        output,
        headers,
        query,
        concurrent_calls,
        order: pipeline.order,
        static_response: pipeline.static_response,
        flatmap: pipeline.flatmap,
        own: own::endpoint(&context.service.extras, &config.extras),
        backends,
        extensions: extensions(&config.extras, path),
    })
}

/// The method that the endpoint is routed by; without one that KrakenD knows it is not.
fn routed(method: &str, config: &config::Endpoint<'_>, path: &Path<'_>, report: &Report) -> Option<Method> {
    let found = Method::of(method);
    if found.is_none() {
        let hint = if method.contains([',', ' ', '|']) {
            ": an endpoint has one method, so write an endpoint for each"
        } else {
            ""
        };
        let place = config.method.as_ref().map_or(config.place, |method| method.place);
        let message = format!(
            "Unsupported method {}: KrakenD logs it and routes nothing, so clients get 404 or 405{hint}",
            quoted(&method.to_uppercase())
        );
        report.dropped(place, &path.key("method"), message);
    }
    found
}

/// What is taken of a path and not as it is written.
fn advise(
    context: &Context<'_>,
    config: &config::Endpoint<'_>,
    path: &Path<'_>,
    cleaned: &str,
    route: &crate::plan::RoutePath,
) {
    let report = context.report;
    let path = path.key("endpoint");
    let Some(written) = config.endpoint.as_ref() else {
        report.surprising(config.place, &path, "it is not written, so the endpoint is /");
        return;
    };
    let tell = |message: String| report.surprising(written.place, &path, message);
    if !written.value.starts_with('/') {
        tell(format!("KrakenD takes it for {}", quoted(cleaned)));
    }
    if cleaned.contains('?') {
        tell("a path has no query, so this never matches; input_query_strings lets parameters pass".to_owned());
    }
    if cleaned.contains('%') {
        tell("paths are matched percent-decoded, so an escape never matches: write the character itself".to_owned());
    }
    let variables: BTreeSet<&str> = route.variables().collect();
    for name in patterns::Patterns::of_url(cleaned) {
        if variables.contains(name.as_str()) {
            continue;
        }
        let taken = route
            .segments
            .iter()
            .find_map(|segment| segment.variable.as_deref().filter(|variable| variable.starts_with(&name)));
        match taken {
            Some(variable) => tell(format!(
                "the router takes all of the segment for one variable called {}, so {{{}}} of a url_pattern is never filled",
                quoted(variable),
                cut(&name)
            )),
            None if context.patterns == patterns::Patterns::Loose => {}
            None => {
                let name = cut(&name);
                tell(format!(
                    "{{{name}}} is no variable but text, since it does not follow a slash; disable_rest allows it"
                ));
            }
        }
        // One is enough to look at the path, and looking for each would take the square of its length.
        break;
    }
}

/// Timeout and lifetime, with the service's in place of none.
fn times(
    context: &Context<'_>,
    config: &config::Endpoint<'_>,
    path: &Path<'_>,
) -> (std::time::Duration, std::time::Duration) {
    let inherited =
        |written: Option<&At<std::time::Duration>>, name: &str, inherited: std::time::Duration| match written {
            Some(own) if own.value.is_zero() && !inherited.is_zero() => {
                let message = format!("0 is as good as nothing: the {} of the service count", print(inherited));
                context.report.dropped(own.place, &path.key(name), message);
                inherited
            }
            Some(own) => own.value,
            None => inherited,
        };
    let timeout = inherited(config.timeout.as_ref(), "timeout", context.timeout);
    (timeout, inherited(config.cache_ttl.as_ref(), "cache_ttl", context.cache_ttl))
}

fn calls(written: Option<&At<i64>>, path: &Path<'_>, report: &Report) -> u32 {
    let Some(written) = written else { return 1 };
    let path = path.key("concurrent_calls");
    if written.value > MANY_CALLS {
        let message =
            format!("every request calls each backend {} times at once; the schema of KrakenD allows 5", written.value);
        report.surprising(written.place, &path, message);
    } else if written.value < 0 {
        report.refused(written.place, &path, "it must not be negative");
    }
    u32::try_from(written.value.max(1)).unwrap_or_else(|_| {
        report.refused(written.place, &path, "there is no such number of calls");
        1
    })
}

/// How answers are written. For what it does not know KrakenD takes the encoding of the only backend, and JSON where that is none for
/// writing, or there are several.
fn output(written: Option<&At<String>>, config: &config::Endpoint<'_>, path: &Path<'_>, report: &Report) -> Output {
    let Some(written) = written else { return Output::Json };
    match encoding(&written.value) {
        Some(output) => output,
        None => {
            let fallback = match config.backends.as_slice() {
                [only] => only.encoding.as_ref().and_then(|encoding| self::encoding(&encoding.value)),
                _ => None,
            };
            let other = written.value.as_str();
            let close = ["json", "json-collection", "xml", "yaml", "negotiate", "string", "no-op"];
            let hint =
                crate::hint::closest(other, close).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
            let like = if fallback.is_some() { "with the encoding of the backend" } else { "as JSON" };
            let message =
                format!("{} is no encoding that it knows, so answers are written {like}{hint}", quoted(other));
            // Of the service it is told once, by whoever checks the service.
            if config.output_encoding.is_some() {
                report.dropped(
                    written.place,
                    &path.key("output_encoding"),
                    format!("KrakenD takes it and ignores it: {message}"),
                );
            }
            fallback.unwrap_or(Output::Json)
        }
    }
}

/// The encoding of a name.
fn encoding(name: &str) -> Option<Output> {
    Some(match name {
        "json" => Output::Json,
        "json-collection" => Output::JsonCollection,
        "xml" => Output::Xml,
        "yaml" => Output::Yaml,
        "negotiate" => Output::Negotiate,
        "string" => Output::Text,
        "no-op" => Output::NoOp,
        _ => return None,
    })
}

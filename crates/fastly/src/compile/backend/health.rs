//! What a health check compiles to.

use backstay_proto::config;
use backstay_proto::config::health_check::{Header, Http, Kind, StatusRange, Verdict, Window};
use http::{HeaderName, HeaderValue, Method};

use super::milliseconds;
use crate::object::Healthcheck;

/// Compiles a health check.
///
/// # Errors
/// A sentence that names the field.
pub(super) fn health_check(check: &Healthcheck) -> Result<config::HealthCheck, String> {
    let Healthcheck { threshold, window, initial, .. } = check;
    if *window == 0 || *window > 64 {
        return Err(format!("window is {window}, and is 1 to 64"));
    }
    if threshold > window {
        return Err(format!("threshold {threshold} is more than window {window}: no backend would ever be healthy"));
    }
    if *threshold == 0 {
        return Err("threshold is 0: no backend would ever be sick".to_owned());
    }
    for (field, value) in [("check_interval", check.check_interval), ("timeout", check.timeout)] {
        if value == 0 {
            return Err(format!("{field} must be more than 0"));
        }
    }
    if !(100..600).contains(&check.expected_response) {
        return Err(format!("expected_response {} is no status", check.expected_response));
    }
    let status = u32::from(check.expected_response);
    let http = Http {
        path: path(&check.path)?,
        host: check.host.clone(),
        method: method(&check.method)?,
        expected_statuses: vec![StatusRange { start: status, end: status }],
        headers: check.headers.iter().map(|line| header(line)).collect::<Result<_, _>>()?,
        http10: check.http_version == "1.0",
    };
    Ok(config::HealthCheck {
        kind: Some(Kind::Http(http)),
        timeout: Some(milliseconds(check.timeout)),
        interval: Some(milliseconds(check.check_interval)),
        verdict: Some(Verdict::Window(Window {
            window: *window,
            threshold: *threshold,
            initial: (*initial).min(*window),
        })),
        ..Default::default()
    })
}

fn path(path: &str) -> Result<String, String> {
    let sound = path.starts_with('/') && path.parse::<http::uri::PathAndQuery>().is_ok();
    if sound { Ok(path.to_owned()) } else { Err(format!("path {path:?} is no path")) }
}

fn method(method: &str) -> Result<String, String> {
    match Method::from_bytes(method.as_bytes()) {
        Ok(known) if known != Method::CONNECT => Ok(method.to_owned()),
        _ => Err(format!("method {method:?} cannot be sent")),
    }
}

fn header(line: &str) -> Result<Header, String> {
    let parts = line.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    let sound = parts.filter(|(name, value)| {
        HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
    });
    match sound {
        Some((name, value)) => Ok(Header { name: name.to_ascii_lowercase(), value: value.to_owned() }),
        // The value could be a credential.
        None => Err("headers holds a line that is not a name, a colon and a value".to_owned()),
    }
}

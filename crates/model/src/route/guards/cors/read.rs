use backstay_proto::config;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{Cors, Names, Origins};
use crate::fault::{Checked, Faults, Together, all, refuse};
use crate::scalar::duration;

/// Most origins, methods or headers in one list.
const MOST: usize = 256;

impl TryFrom<&config::Cors> for Cors {
    type Error = Faults;

    fn try_from(message: &config::Cors) -> Checked<Self> {
        let methods = if message.methods.is_empty() {
            ["GET", "HEAD", "POST"].map(str::to_owned).to_vec()
        } else {
            message.methods.clone()
        };
        let is_method = |name: &str| Method::from_bytes(name.as_bytes()).is_ok();
        let is_header = |name: &str| HeaderName::from_bytes(name.as_bytes()).is_ok();
        let (origins, methods, headers, exposed, max_age, preflight_status) = (
            origins(&message.origins),
            names("methods", &methods, is_method),
            names("headers", &message.headers, is_header),
            names("exposed_headers", &message.exposed_headers, is_header),
            duration("max_age", message.max_age),
            status(message.preflight_status),
        )
            .together()?;
        let all_exposed = || (message.literal_wildcard || !message.credentials).then(|| HeaderValue::from_static("*"));
        Ok(Self {
            origins,
            methods,
            headers,
            exposed: if exposed.any { all_exposed() } else { exposed.value },
            max_age: max_age.map(|age| age.as_secs().into()),
            credentials: message.credentials,
            private_network: message.private_network,
            pass_preflights: message.pass_preflights,
            preflight_status,
            literal_wildcard: message.literal_wildcard,
            names_all: message.names_all,
        })
    }
}

fn origins(messages: &[String]) -> Checked<Origins> {
    bounded("origins", messages)?;
    let origins = messages.iter().enumerate().map(|(index, origin)| {
        let field = || format!("origins[{index}]");
        if origin.is_empty() || !origin.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse(field(), "must be visible characters of ASCII");
        }
        match origin.split_once('*') {
            Some((_, after)) if after.contains('*') => refuse(field(), "must not have more than one \"*\""),
            split => Ok((
                origin.to_ascii_lowercase().into_boxed_str(),
                split.map(|(before, after)| (before.to_ascii_lowercase().into(), after.to_ascii_lowercase().into())),
            )),
        }
    });
    let origins: Vec<(Box<str>, Option<(Box<str>, Box<str>)>)> = all(origins)?;
    Ok(Origins {
        any: origins.iter().any(|(origin, _)| &**origin == "*"),
        exact: origins.iter().filter(|(_, pattern)| pattern.is_none()).map(|(origin, _)| origin.clone()).collect(),
        patterns: origins.into_iter().filter_map(|(_, pattern)| pattern).collect(),
    })
}

fn names(field: &str, messages: &[String], is_name: impl Fn(&str) -> bool) -> Checked<Names> {
    bounded(field, messages)?;
    let names = messages.iter().enumerate().map(|(index, name)| {
        if is_name(name) {
            return Ok(name.as_str().into());
        }
        refuse(format!("{field}[{index}]"), format!("{name:?} cannot be the name of one"))
    });
    let named: Box<[Box<str>]> = all::<_, Vec<_>>(names)?.into();
    let any = named.iter().any(|name| &**name == "*");
    let value = match &*named {
        [] => None,
        _ if any => None,
        names => HeaderValue::try_from(names.join(", ")).ok(),
    };
    Ok(Names { any, named, value })
}

fn bounded(field: &str, messages: &[String]) -> Checked<()> {
    if messages.len() > MOST { refuse(field, format!("must not have more than {MOST}")) } else { Ok(()) }
}

fn status(code: u32) -> Checked<StatusCode> {
    let status = u16::try_from(if code == 0 { 204 } else { code }).ok();
    match status.filter(|status| (200..=599).contains(status)).map(StatusCode::from_u16) {
        Some(Ok(status)) => Ok(status),
        _ => refuse("preflight_status", "must be from 200 to 599, or 0 for 204"),
    }
}

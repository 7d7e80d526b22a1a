use backstay_proto::config::{self, security_headers};
use http::uri::Authority;
use http::{HeaderName, HeaderValue};

use super::super::pattern;
use super::{Field, Hosts, Security, SslRedirect};
use crate::fault::{Checked, Faults, Together, Within, all, refuse};
use crate::route::filter::header_name;

impl TryFrom<&config::SecurityHeaders> for Security {
    type Error = Faults;

    fn try_from(message: &config::SecurityHeaders) -> Checked<Self> {
        let host_headers = message.host_headers.iter().enumerate();
        let host_headers = host_headers.map(|(index, name)| name_of(name).within_element("host_headers", index));
        let ssl_headers = message.ssl_headers.iter().map(|(name, value)| {
            let key = name_of(name).within(format_args!("ssl_headers[{name:?}]"))?;
            Ok((key, value.as_bytes().into()))
        });
        let fields = message.response_headers.iter().enumerate();
        let fields = fields.map(|(index, field)| self::field(field).within_element("response_headers", index));
        let (hosts, host_headers, ssl_host, ssl_headers, fields): (_, Vec<_>, _, Vec<(HeaderName, Box<[u8]>)>, Vec<_>) =
            (hosts(message), all(host_headers), host(&message.ssl_host), all(ssl_headers), all(fields)).together()?;
        let redirect = SslRedirect { temporary: message.ssl_temporary_redirect, host: ssl_host };
        let mut ssl_headers = ssl_headers;
        // A map of the wire format has no order.
        ssl_headers.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        Ok(Self {
            hosts,
            host_headers: host_headers.into(),
            ssl_redirect: message.ssl_redirect.then_some(redirect),
            ssl_headers: ssl_headers.into(),
            fields: fields.into(),
        })
    }
}

fn hosts(message: &config::SecurityHeaders) -> Checked<Hosts> {
    let hosts = &message.allowed_hosts;
    if hosts.is_empty() {
        return Ok(Hosts::All);
    }
    if !message.allowed_hosts_are_regex {
        return Ok(Hosts::Named(hosts.iter().map(|host| host.as_str().into()).collect()));
    }
    // The newline ends a comment that an expression may leave open in extended mode.
    let whole: Vec<_> = hosts.iter().map(|host| format!("\\A(?:{host}\n?)\\z")).collect();
    pattern::any("allowed_hosts", hosts, &whole).map(Hosts::Matching)
}

fn host(text: &str) -> Checked<Option<Box<str>>> {
    match text {
        "" => Ok(None),
        text if text.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@')) => Ok(Some(text.into())),
        _ => refuse("ssl_host", format!("{text:?} is not a host")),
    }
}

fn name_of(name: &str) -> Checked<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).or_else(|_| refuse("", format!("{name:?} cannot be the name of a header")))
}

fn field(message: &security_headers::SecurityField) -> Checked<Field> {
    let value = HeaderValue::from_str(message.value.trim_matches([' ', '\t']))
        .or_else(|_| refuse("value", "holds characters that a header value cannot carry"));
    let (name, value) = (header_name(&message.name).within("name"), value).together()?;
    Ok(Field { name, value, over_tls: message.over_tls })
}

//! Modifiers that change something.

use backstay_proto::config;
use backstay_proto::config::modifier::Kind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

use super::scope::Scope;
use super::{Found, Reader, cookie, modifier};
use crate::compile::sender::{LIBRARY, USER_AGENT};
use crate::quote::quoted;

/// Headers that say how long a body is, or that are about connections and circles of them (RFC 9110, 7.6.1; RFC 8586).
const OF_THE_CONNECTION: [&str; 10] = [
    "cdn-loop",
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

impl Reader<'_> {
    pub(super) fn change(self, found: &Found<'_>) -> Option<config::Modifier> {
        let fields = &found.fields;
        let made = match found.name {
            "header.Modifier" => modifier(self.scope(found, Scope::BOTH)?, Kind::SetHeader(self.field(found)?)),
            "header.Append" => modifier(self.scope(found, Scope::BOTH)?, Kind::AppendHeader(self.field(found)?)),
            "header.Blacklist" => self.removed(found)?,
            "header.Copy" => {
                let (scope, from, to) =
                    (self.scope(found, Scope::BOTH), self.header(found, "from"), self.header(found, "to"));
                modifier(scope?, Kind::CopyHeader(config::CopyHeader { from: from?, to: to? }))
            }
            "header.Id" => {
                let scope = self.scope(found, Scope::REQUEST);
                let is_named = !fields.text("header")?.is_empty();
                let name = if is_named { self.header(found, "header")? } else { "X-Krakend-Id".to_owned() };
                modifier(scope?, Kind::RequestId(name))
            }
            "querystring.Modifier" => {
                let (scope, name, value) =
                    (self.scope(found, Scope::REQUEST), fields.text("name"), fields.text("value"));
                let parameter = config::ResponseField { name: name?.to_owned(), value: value?.to_owned() };
                modifier(scope?, Kind::SetQuery(parameter))
            }
            "url.Modifier" => self.url(found)?,
            "cookie.Modifier" => self.cookie(found)?,
            "stash.Modifier" => {
                let scope = self.scope(found, Scope::BOTH);
                let name = self.header(found, "headerName")?;
                let scope = scope?;
                if scope == Scope::RESPONSE {
                    let place = fields.place("scope", found.place);
                    let message = "to write the header on a response, the scope has to be both request and response";
                    self.report.unreadable(place, &found.path.key("scope"), message);
                    return None;
                }
                modifier(scope, Kind::StashUrl(name))
            }
            "body.Modifier" => self.body(found)?,
            "status.Modifier" => {
                let (scope, status) = (self.scope(found, Scope::RESPONSE), fields.integer("statusCode"));
                let Some(status) = u32::try_from(status?).ok().filter(|status| (200..600).contains(status)) else {
                    let place = fields.place("statusCode", found.place);
                    let message = "a status of 200 to 599 is wanted here, which ends a request";
                    self.report.unreadable(place, &found.path.key("statusCode"), message);
                    return None;
                };
                modifier(scope?, Kind::Status(status))
            }
            _ => {
                self.refuse(found);
                return None;
            }
        };
        Some(made)
    }

    /// `name` and `value` of a header.
    fn field(self, found: &Found<'_>) -> Option<config::ResponseField> {
        let (name, value) = (self.header(found, "name"), self.header_value(found, "value"));
        Some(config::ResponseField { name: name?, value: value? })
    }

    /// A header that may be changed and looked at.
    pub(super) fn header(self, found: &Found<'_>, field: &'static str) -> Option<String> {
        let name = found.fields.text(field)?;
        let place = found.fields.place(field, found.place);
        self.is_header(name, place, &found.path.key(field)).then(|| name.to_owned())
    }

    fn is_header(self, name: &str, place: crate::place::Place, path: &crate::place::Path<'_>) -> bool {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            self.report.unreadable(place, path, format!("no header can be called {}", quoted(name)));
            return false;
        }
        if OF_THE_CONNECTION.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            let message = format!("{name} is about one connection, or how long a body is: the proxy sees to it itself");
            self.report.not_served(place, path, message);
            return false;
        }
        true
    }

    fn header_value(self, found: &Found<'_>, field: &'static str) -> Option<String> {
        let value = found.fields.text(field)?;
        if HeaderValue::from_str(value).is_err() && HeaderValue::from_bytes(value.as_bytes()).is_err() {
            let place = found.fields.place(field, found.place);
            self.report.unreadable(place, &found.path.key(field), "no header can have this value");
            return None;
        }
        Some(value.to_owned())
    }

    /// `header.Blacklist`: each of its headers is removed. A request that says nothing of its sender is one of Go's library.
    fn removed(self, found: &Found<'_>) -> Option<config::Modifier> {
        let scope = self.scope(found, Scope::BOTH);
        let path = found.path.key("names");
        let mut modifiers = Vec::new();
        let mut is_whole = true;
        for (index, member) in found.fields.list("names")?.iter().enumerate() {
            let path = path.index(index);
            match member.text() {
                Some(name) if self.is_header(name, member.place, &path) => {
                    modifiers.push(modifier(Scope::BOTH, Kind::RemoveHeader(name.to_owned())));
                    if name.eq_ignore_ascii_case(USER_AGENT) {
                        let name = config::ResponseField { name: USER_AGENT.to_owned(), value: LIBRARY.to_owned() };
                        modifiers.push(modifier(Scope::REQUEST, Kind::SetHeader(name)));
                    }
                }
                Some(_) => is_whole = false,
                None => {
                    let message = format!("text is wanted here, and this is {}", member.kind());
                    self.report.unreadable(member.place, &path, message);
                    is_whole = false;
                }
            }
        }
        let group = Kind::Group(config::ModifierGroup { modifiers, aggregate_errors: false });
        is_whole.then_some(modifier(scope?, group))
    }

    fn url(self, found: &Found<'_>) -> Option<config::Modifier> {
        let fields = &found.fields;
        let scope = self.scope(found, Scope::REQUEST);
        let (path, query) = (fields.text("path"), fields.text("query"));
        for elsewhere in ["scheme", "host"] {
            if fields.text(elsewhere)?.is_empty() {
                continue;
            }
            let place = fields.place(elsewhere, found.place);
            let message = "calls go to the hosts of the backend alone: write this one there";
            self.report.not_served(place, &found.path.key(elsewhere), message);
            return None;
        }
        let (path, query) = (path?.to_owned(), query?.to_owned());
        if !path.is_empty() && !path.starts_with('/') {
            let place = fields.place("path", found.place);
            self.report.unreadable(place, &found.path.key("path"), "a path begins with a slash");
            return None;
        }
        let parts = config::UrlParts { scheme: String::new(), host: String::new(), path, query };
        Some(modifier(scope?, Kind::Url(parts)))
    }

    /// `cookie.Modifier`: what requests send, and what answers set.
    fn cookie(self, found: &Found<'_>) -> Option<config::Modifier> {
        let scope = self.scope(found, Scope::BOTH);
        let (sent, set) = match cookie::read(found) {
            Ok(cookies) => cookies?,
            Err((field, message)) => {
                let place = found.fields.place(field, found.place);
                self.report.unreadable(place, &found.path.key(field), message);
                return None;
            }
        };
        let set = config::ResponseField { name: "Set-Cookie".to_owned(), value: set };
        let modifiers =
            vec![modifier(Scope::REQUEST, Kind::AddCookie(sent)), modifier(Scope::RESPONSE, Kind::AppendHeader(set))];
        Some(modifier(scope?, Kind::Group(config::ModifierGroup { modifiers, aggregate_errors: false })))
    }

    fn body(self, found: &Found<'_>) -> Option<config::Modifier> {
        let scope = self.scope(found, Scope::BOTH);
        let content_type = self.header_value(found, "contentType");
        // As Go does, line ends are passed over.
        let text: String = found.fields.text("body")?.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
        let Ok(body) = STANDARD.decode(text) else {
            let place = found.fields.place("body", found.place);
            self.report.unreadable(place, &found.path.key("body"), "the body has to be written in Base64");
            return None;
        };
        let body = config::ModifiedBody { content_type: content_type?, body: body.into() };
        Some(modifier(scope?, Kind::Body(body)))
    }
}

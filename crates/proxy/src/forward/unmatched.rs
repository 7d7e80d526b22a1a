//! Requests that no rule matches, and those that a rule matches but does not take.

use backstay_model::Respond;
use backstay_model::route::{DecodedPath, InvalidVariable, Manners, PathTemplate, cleaned, encoded_path};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::redirection;
use super::reply;
use super::response_body::ResponseBody;
use crate::exchange::Exchange;
use crate::local_reply::{Flag, LocalReply};
use crate::route::Table;

/// There is no rule for a request.
pub(super) const NO_ROUTE: LocalReply = LocalReply::fixed(StatusCode::NOT_FOUND, "", Flag::NoRoute, "route_not_found");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Answers a request that no rule matches, and that is not sent [elsewhere](Lookup::elsewhere).
pub(super) fn answer(exchange: Exchange, lookup: &Lookup<'_>, manners: &Manners) -> Response<ResponseBody> {
    let parts = lookup.parts;
    if parts.method == Method::OPTIONS && manners.answer_options {
        let mut methods = lookup.methods();
        if !methods.is_empty() {
            methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            return reply::not_routed(exchange, &allowing(Respond::text(StatusCode::OK, ""), &methods), "options");
        }
    }
    let methods = lookup.methods();
    match (&manners.method_not_allowed, &manners.not_found) {
        (Some(respond), _) if !methods.is_empty() => {
            reply::not_routed(exchange, &not_allowed(respond, methods), "method_not_allowed")
        }
        (_, Some(respond)) => reply::not_routed(exchange, respond, "route_not_found"),
        (_, None) => reply::refuse(exchange, NO_ROUTE),
    }
}

/// What is looked for in place of what is not there.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) table: &'a Table,
    pub(super) host: &'a str,
    pub(super) parts: &'a Parts,
}

impl Lookup<'_> {
    fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The methods that there are rules for.
    fn methods(&self) -> Vec<Method> {
        self.table.methods(self.host, self.parts.uri.path(), self.parts.uri.query(), self.headers())
    }

    /// Path and query of a rule that the client may have meant.
    pub(super) fn elsewhere(&self, manners: &Manners) -> Option<String> {
        let (path, query) = (self.parts.uri.path(), self.parts.uri.query());
        if path == "/" || self.parts.method == Method::CONNECT {
            return None;
        }
        let slash = manners.redirect_trailing_slash.then(|| toggled(path)).filter(|path| self.has(path));
        let found = slash.or_else(|| if manners.redirect_cleaned { self.cleaned(path, manners) } else { None })?;
        // Two slashes at the front would name another host.
        if found.starts_with("//") {
            return None;
        }
        Some(match query {
            Some(query) => format!("{found}?{query}"),
            None => found,
        })
    }

    fn has(&self, path: &str) -> bool {
        let Self { table, host, parts } = self;
        table.find(host, &parts.method, path, parts.uri.query(), self.headers()).is_some()
    }

    fn cleaned(&self, path: &str, manners: &Manners) -> Option<String> {
        let clean = cleaned(DecodedPath::of(path)?.as_str());
        let find = |path: &str| {
            let elements: Vec<_> = path.strip_prefix('/')?.split('/').collect();
            let Self { table, host, parts } = self;
            table.folded(host, &parts.method, &elements, parts.uri.query(), self.headers())
        };
        let found = find(&clean).or_else(|| find(&toggled(&clean)).filter(|_| manners.redirect_trailing_slash))?;
        Some(encoded_path(&found))
    }
}

/// The path without its slash at the end, or with one.
fn toggled(path: &str) -> String {
    match path.strip_suffix('/') {
        Some(without) if !without.is_empty() => without.to_owned(),
        _ => format!("{path}/"),
    }
}

/// Sends the client to `location`.
pub(super) fn redirect(exchange: Exchange, method: &Method, location: &str) -> Response<ResponseBody> {
    reply::not_routed(exchange, &sent_elsewhere(method, location), "redirect_to_route")
}

/// An answer that sends the client elsewhere, as Go's `http.Redirect` writes it.
fn sent_elsewhere(method: &Method, location: &str) -> Respond {
    let status = if *method == Method::GET { StatusCode::MOVED_PERMANENTLY } else { StatusCode::TEMPORARY_REDIRECT };
    let mut respond = Respond::text(status, "");
    if *method == Method::GET {
        respond.body = redirection::page(status, location).into();
        respond.content_type = redirection::HTML;
    }
    with(respond, header::LOCATION, location)
}

/// The answer to a method that is none of these, with these in the order in which people list them.
fn not_allowed(respond: &Respond, mut methods: Vec<Method>) -> Respond {
    const USUAL: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    methods.sort_by_key(|method| USUAL.iter().position(|usual| usual == method).unwrap_or(USUAL.len()));
    allowing(respond.clone(), &methods)
}

/// The answer, with the methods that are allowed.
fn allowing(respond: Respond, methods: &[Method]) -> Respond {
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    with(respond, header::ALLOW, &names.join(", "))
}

fn with(mut respond: Respond, name: HeaderName, value: &str) -> Respond {
    if let Ok(value) = HeaderValue::from_str(value) {
        respond.headers = respond.headers.into_vec().into_iter().chain([(name, value)]).collect();
    }
    respond
}

/// The answer to a request whose path has a variable with a value that the template refuses.
pub(super) fn refused_variable(template: &PathTemplate, path: &str) -> Option<Respond> {
    // What is not encoded at all cannot be so twice.
    if !template.refuse_encoded_values || !path.contains('%') {
        return None;
    }
    let path = DecodedPath::of(path)?;
    let text = match template.variables(&path).err()? {
        InvalidVariable::Encoded => "error: encoded url params".to_owned(),
        InvalidVariable::Escape(part) => format!("error: invalid URL escape {part:?}"),
    };
    let mut respond = Respond::text(StatusCode::BAD_REQUEST, text);
    respond.content_type = TEXT;
    Some(respond)
}

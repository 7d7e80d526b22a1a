//! What a client of HTTP does beside sending a request: it follows redirects, by the rules of Go's `http.Client`.

use std::sync::Arc;

use backstay_composition::CallError;
use backstay_http_cache::Cache;
use backstay_upstream::Backend;
use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use super::transport::{self, Answered, Context, Outgoing, url};
use super::{authorization, cached, error};
use crate::body::RequestBody;
use crate::config::{CallSite, CallTarget};
use crate::forward::retries;

/// What is for the host alone that was asked first.
const SENSITIVE: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::WWW_AUTHENTICATE,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
];
/// What is about a body that does not go on.
const OF_THE_BODY: [HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION, header::CONTENT_TYPE];

/// An answer, and the URL that gave it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The rest of it.
    pub(super) source: Source,
    pub(super) url: String,
}

/// The answer to one request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) source: Source,
}

/// Where the body of an answer comes from.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each call, which is moved on at once")]
pub(super) enum Source {
    /// From the backend. Its head has been taken out.
    Network(Answered),
    /// It is there.
    Kept(Bytes),
}

impl Reply {
    /// What a backend has answered.
    pub(super) fn of(mut answered: Answered) -> Self {
        let (status, headers) = (answered.status, std::mem::take(&mut answered.headers));
        Self { status, headers, source: Source::Network(answered) }
    }

    pub(super) fn found(self, url: String) -> Found {
        Found { status: self.status, headers: self.headers, source: self.source, url }
    }
}

impl Source {
    /// Nobody reads it.
    pub(super) fn discard(self) {
        if let Self::Network(answered) = self {
            retries::discard(answered.incoming, answered.guard);
        }
    }
}

/// What is asked again after a redirect.
#[derive(Debug)]
pub(super) struct Again {
    method: Method,
    headers: HeaderMap,
    /// The request had a body, which is gone.
    had_body: bool,
}

impl Again {
    /// What is left of a request when it is answered.
    pub(super) fn of(method: &Method, headers: &HeaderMap, had_body: bool) -> Self {
        let mut headers = headers.clone();
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        Self { method: method.clone(), headers, had_body }
    }
}

/// Sends a request to `target`, and follows where its answer leads, as often as the call may. Only hosts that the call names are asked:
/// where another leads to is for the configuration to say, not for a backend.
pub(super) async fn send(
    context: &Context,
    site: &CallSite,
    target: &CallTarget,
    mut outgoing: Outgoing,
    cache: Option<&Arc<Cache>>,
) -> Result<Found, CallError> {
    let Some(backend) = &target.backend else { return Err(CallError::NoEndpoint) };
    if let Some(credentials) = &site.credentials {
        let token = Box::pin(authorization::of(context, credentials)).await?;
        outgoing.headers.insert(header::AUTHORIZATION, token);
    }
    let asked = url(backend, target.authority.as_ref(), &outgoing.target);
    if site.redirects == 0 {
        return Ok(once(context, backend, target, outgoing, cache).await?.found(asked));
    }
    let again = Again::of(&outgoing.method, &outgoing.headers, !outgoing.body.is_empty());
    let found = once(context, backend, target, outgoing, cache).await?.found(asked);
    if !leads_on(found.status, &found.headers, again.had_body) {
        return Ok(found);
    }
    Box::pin(follow(context, (site, target), again, found, cache)).await
}

/// One request, which what is kept may answer.
async fn once(
    context: &Context,
    backend: &Arc<Backend>,
    target: &CallTarget,
    outgoing: Outgoing,
    cache: Option<&Arc<Cache>>,
) -> Result<Reply, CallError> {
    match cache {
        None => transport::send(context, backend, target, outgoing).await.map(Reply::of),
        Some(cache) => Box::pin(cached::send(context, backend, target, outgoing, cache)).await,
    }
}

/// Whether an answer leads elsewhere. A request whose body is gone is not made again with it.
pub(super) fn leads_on(status: StatusCode, headers: &HeaderMap, had_body: bool) -> bool {
    location_of(status, headers, had_body).is_some()
}

fn location_of(status: StatusCode, headers: &HeaderMap, had_body: bool) -> Option<&str> {
    let follows = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => true,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => !had_body,
        _ => false,
    };
    let location = headers.get(header::LOCATION).filter(|location| follows && !location.is_empty());
    location.and_then(|location| location.to_str().ok())
}

/// Asks where an answer leads, and where the answer to that does.
pub(super) async fn follow<'s>(
    context: &Context,
    (site, mut target): (&'s CallSite, &'s CallTarget),
    mut again: Again,
    mut found: Found,
    cache: Option<&Arc<Cache>>,
) -> Result<Found, CallError> {
    let first = target;
    let mut requests = 1;
    loop {
        let (status, before) = (found.status, &found.url);
        let Some(location) = location_of(status, &found.headers, again.had_body) else { return Ok(found) };
        let failed = |location: &str, text: &str| error::transport(&again.method, location, text);
        if requests >= site.redirects {
            return Err(failed(location, &format!("stopped after {requests} redirects")));
        }
        requests += 1;
        let Some((scheme, host, path)) = resolve(before, location) else {
            return Err(failed(before, &format!("failed to parse Location header {location:?}")));
        };
        let Some(next) = host_of(site, target, &scheme, &host) else {
            let text = "redirects to hosts that the call does not name are not followed";
            return Err(failed(&format!("{scheme}://{host}{path}"), text));
        };
        let keeps_method = matches!(again.method, Method::GET | Method::HEAD)
            || matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if !keeps_method {
            again.method = Method::GET;
        }
        if !matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
            OF_THE_BODY.iter().for_each(|name| drop(again.headers.remove(name)));
            again.had_body = false;
        }
        let mut headers = again.headers.clone();
        if !std::ptr::eq(next, first) && next.authority != first.authority {
            SENSITIVE.iter().for_each(|name| drop(headers.remove(name)));
        }
        let is_downgrade = before.starts_with("https:") && scheme == Scheme::HTTP;
        if is_downgrade {
            headers.remove(header::REFERER);
        } else if !headers.contains_key(header::REFERER)
            && let Ok(referer) = HeaderValue::from_str(before)
        {
            headers.insert(header::REFERER, referer);
        }
        let Some(backend) = &next.backend else { return Err(CallError::NoEndpoint) };
        let outgoing = Outgoing {
            method: again.method.clone(),
            target: path,
            headers,
            authority: next.authority.clone(),
            body: RequestBody::empty(),
            length: None,
        };
        let url = url(backend, outgoing.authority.as_ref(), &outgoing.target);
        found.source.discard();
        found = once(context, backend, next, outgoing, cache).await?.found(url);
        target = next;
    }
}

/// Scheme, host and the rest of `location` as it is seen from `base` (RFC 3986, 5.2).
fn resolve(base: &str, location: &str) -> Option<(Scheme, String, String)> {
    let base: Uri = base.parse().ok()?;
    let location = location.split('#').next()?;
    let scheme = base.scheme()?.clone();
    if let Some(rest) = location.strip_prefix("//") {
        return absolute(&format!("{scheme}://{rest}"));
    }
    let before_path = location.split(['/', '?']).next().unwrap_or_default();
    if before_path.contains(':') {
        return absolute(location);
    }
    let host = base.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
    let path = if location.starts_with('/') {
        location.to_owned()
    } else if location.starts_with('?') {
        format!("{}{location}", base.path())
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{directory}/{location}")
    };
    Some((scheme, host, without_dots(&path)?))
}

fn absolute(location: &str) -> Option<(Scheme, String, String)> {
    let uri: Uri = location.parse().ok()?;
    let scheme = uri.scheme().filter(|scheme| **scheme == Scheme::HTTP || **scheme == Scheme::HTTPS)?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((scheme.clone(), authority.as_str().to_owned(), without_dots(&path)?))
}

/// The target without elements `.` and `..` in its path (RFC 3986, 5.2.4).
fn without_dots(target: &str) -> Option<String> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut elements = path.strip_prefix('/')?.split('/').peekable();
    while let Some(element) = elements.next() {
        let is_last = elements.peek().is_none();
        match element {
            "." | ".." => {
                if element == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    let path = format!("/{}", kept.join("/"));
    Some(match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    })
}

/// Whom to ask at `host`: the target that has just been asked, if it is its own, else another of the call's.
fn host_of<'s>(site: &'s CallSite, current: &'s CallTarget, scheme: &Scheme, host: &str) -> Option<&'s CallTarget> {
    let is_at = |target: &&CallTarget| {
        let secure = target.backend.as_ref().is_some_and(|backend| backend.tls.is_some());
        let well_known = if secure { ":443" } else { ":80" };
        let bare = |host: &str| host.strip_suffix(well_known).unwrap_or(host).to_ascii_lowercase();
        let authority = target.authority.as_ref().and_then(|authority| authority.to_str().ok()).unwrap_or_default();
        secure == (*scheme == Scheme::HTTPS) && bare(authority) == bare(host)
    };
    std::iter::once(current).chain(site.targets.all()).find(is_at)
}

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version};

use crate::HostName;
use crate::authority::{Authority, Host, Origin};

/// Where the page is that sent a request, as browsers say it (W3C, Fetch Metadata Request Headers).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How the headers begin that only browsers send, and that no page can set or leave out.
const SEC_FETCH: &str = "sec-fetch-";
/// How much of a header is repeated in an answer.
const SHOWN: usize = 100;

/// Keeps web pages from an endpoint that authenticates nobody.
///
/// A browser connects from the machine of whoever sits before it, on behalf of pages that anyone wrote. Two ways lead in.
/// A page whose own name is made to mean the endpoint's address (DNS rebinding) is, to the browser, at home there: it is
/// told by the name that requests are addressed to. Any other page may send what a form could, which is told by the
/// headers that browsers add.
///
/// Clients that are no browsers name an address or `localhost`, or a name that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct PageGuard {
    names: Arc<[HostName]>,
    /// Whether requests may be addressed to any name.
    any: bool,
}

/// Why a request is refused, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is addressed to a name, and DNS decides what that means.
    #[error(
        "{header} {host:?} is refused: nothing authenticates requests here, so they must be addressed to an IP address, to \
         localhost, or to a host that --allowed-host names when the server is started; else web pages could send them"
    )]
    Host {
        /// Which part of the request said so: `Host`, `:authority`, `the request target`.
        header: &'static str,
        /// What it said.
        host: String,
    },
    /// It is not addressed to anyone, which HTTP/1.1 demands and browsers always do (RFC 9112, section 3.2).
    #[error("the header Host is missing")]
    NoHost,
    /// It is addressed to several hosts at once (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
    #[error(
        "the request names more than one host: one header Host must be all, and the same as :authority or the target"
    )]
    ManyHosts,
    /// A page of another host or port sent it.
    #[error("Origin {origin:?} is refused: web pages of another host or port must not send requests here")]
    Origin {
        /// The header.
        origin: String,
    },
    /// A page of another site, or of another host or port of this one, sent it.
    #[error("Sec-Fetch-Site {site:?} is refused: web pages of another host or port must not send requests here")]
    Site {
        /// The header.
        site: String,
    },
    /// A browser sends a body without a type where a page of anyone may have written it, and asks nobody first.
    #[error("the header Content-Type is missing: a browser that sends a body must say what it is")]
    UntypedBody,
}

impl Refusal {
    /// 403 where the request may be sound and is not wanted from there, 400 where it is not, 415 for a body without a type.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Host { .. } | Self::Origin { .. } | Self::Site { .. } => StatusCode::FORBIDDEN,
            Self::NoHost | Self::ManyHosts => StatusCode::BAD_REQUEST,
            Self::UntypedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

impl PageGuard {
    /// A guard that lets requests pass that are addressed to one of these names, besides addresses and `localhost`.
    pub fn new(names: impl IntoIterator<Item = HostName>) -> Self {
        Self { names: names.into_iter().collect(), any: false }
    }

    /// A guard that lets requests pass whatever name they are addressed to: for TLS, where a browser has seen that the certificate carries
    /// the name that it asks for, so that no page of another name gets in. Requests of other pages are refused as always.
    pub fn any_name() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// Whether a request may go on. `has_body` says whether there is anything after its head.
    ///
    /// # Errors
    /// [`Refusal`], the first reason there is.
    pub fn check(&self, version: Version, uri: &Uri, headers: &HeaderMap, has_body: bool) -> Result<(), Refusal> {
        let is_browser =
            headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with(SEC_FETCH));
        let addressed = self.addressed(version, uri, headers, is_browser)?;
        for origin in headers.get_all(ORIGIN) {
            let page = origin.to_str().ok().and_then(Origin::parse);
            let is_own = page.zip(addressed.as_ref()).is_some_and(|(page, addressed)| page.is_of(addressed));
            if !is_own {
                return Err(Refusal::Origin { origin: shown(origin.as_bytes()) });
            }
        }
        // `none` is the person at the browser. What is not known must not be thought harmless.
        let is_near = |site: &HeaderValue| site == "same-origin" || site == "none";
        if let Some(site) = headers.get_all(SEC_FETCH_SITE).iter().find(|site| !is_near(site)) {
            return Err(Refusal::Site { site: shown(site.as_bytes()) });
        }
        if has_body && is_browser && !headers.get_all(CONTENT_TYPE).iter().any(says_type) {
            return Err(Refusal::UntypedBody);
        }
        Ok(())
    }

    /// Whom the request is addressed to; none is possible where the version of HTTP allows it and no browser sent it.
    fn addressed(
        &self,
        version: Version,
        uri: &Uri,
        headers: &HeaderMap,
        is_browser: bool,
    ) -> Result<Option<Authority>, Refusal> {
        let in_target = if version >= Version::HTTP_2 { ":authority" } else { "the request target" };
        let target = uri.authority().map(|authority| authority.as_str().as_bytes());
        let mut lines = headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
        let line = lines.next().filter(|line| !line.is_empty());
        if lines.next().is_some() {
            return Err(Refusal::ManyHosts);
        }
        let target = target.map(|text| self.known(in_target, text)).transpose()?;
        let line = line.map(|text| self.known("Host", text)).transpose()?;
        match (target, line) {
            (Some(target), Some(line)) if !target.is_same(&line) => Err(Refusal::ManyHosts),
            (None, None) if is_browser || version == Version::HTTP_11 => Err(Refusal::NoHost),
            (target, line) => Ok(target.or(line)),
        }
    }

    fn known(&self, header: &'static str, text: &[u8]) -> Result<Authority, Refusal> {
        let authority = std::str::from_utf8(text).ok().and_then(Authority::parse);
        let authority = authority.filter(|authority| match &authority.host {
            Host::Ip(_) => true,
            Host::Name(name) => self.any || name == "localhost" || self.names.iter().any(|allowed| allowed.is(name)),
        });
        authority.ok_or_else(|| Refusal::Host { header, host: shown(text) })
    }
}

/// Whether there is a media type before the parameters; without one, a body is read as if nothing were said.
fn says_type(value: &HeaderValue) -> bool {
    let media_type = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    !media_type.trim_ascii().is_empty()
}

/// A header as messages repeat it.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned()
}

#[cfg(test)]
mod tests;

//! Cross-origin resource sharing, as the Fetch standard has it.

mod read;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Which pages of other origins may read responses.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Origins,
    methods: Names,
    /// Lower case.
    headers: Names,
    exposed: Option<HeaderValue>,
    /// Seconds.
    max_age: Option<HeaderValue>,
    credentials: bool,
    private_network: bool,
    /// Whether preflights go on to the action.
    pub pass_preflights: bool,
    /// Of the answer to a preflight.
    pub preflight_status: StatusCode,
    literal_wildcard: bool,
    names_all: bool,
}

/// Origins, lower case.
#[derive(Clone, Debug)]
struct Origins {
    any: bool,
    exact: Box<[Box<str>]>,
    /// What is before the wildcard, and what is after it.
    patterns: Box<[(Box<str>, Box<str>)]>,
}

/// Names, or any.
#[derive(Clone, Debug)]
struct Names {
    any: bool,
    named: Box<[Box<str>]>,
    /// All that are named, as a header has them.
    value: Option<HeaderValue>,
}

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const ANY: HeaderValue = HeaderValue::from_static("*");
const VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
const VARY_WITH_NETWORK: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network",
);

impl Cors {
    /// What the response to a request with `method` and these headers, which is no preflight, says of the origin that may read it:
    /// the value of `Access-Control-Allow-Origin`. `None` if none may, or if the request is of no other origin.
    #[must_use]
    pub fn origin(&self, method: &str, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN).filter(|origin| self.origins.holds(origin.as_bytes()))?;
        // Every page may ask in some ways; that its methods are compared here is as `github.com/rs/cors` does it.
        (self.names_all || self.allows_method(method.as_bytes())).then(|| self.allowed_origin(origin))
    }

    /// What a response that pages of an origin may read says beside [that](Self::origin).
    pub fn describe(&self, headers: &mut HeaderMap) {
        if let Some(exposed) = &self.exposed {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
    }

    /// What the answer to a preflight with these headers says.
    #[must_use]
    pub fn preflight(&self, headers: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        answer.insert(header::VARY, if self.private_network { VARY_WITH_NETWORK } else { VARY });
        let Some(origin) = headers.get(header::ORIGIN).filter(|origin| self.origins.holds(origin.as_bytes())) else {
            return answer;
        };
        let Some(method) = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD) else { return answer };
        let asked = headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS);
        if self.names_all {
            self.describe(&mut answer);
        } else if !self.allows_method(method.as_bytes()) || !asked.iter().all(|names| self.allows_headers(names)) {
            return answer;
        }
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.allowed_origin(origin));
        let methods = self.names_all.then(|| self.methods.value.clone()).flatten();
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.unwrap_or_else(|| method.clone()));
        match self.names_all.then(|| self.headers.value.clone()).flatten() {
            Some(all) => {
                answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, all);
            }
            None if !self.names_all || self.headers.any => {
                for names in asked.iter().filter(|names| !names.is_empty()) {
                    answer.append(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
                }
            }
            None => {}
        }
        if self.credentials {
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        if self.private_network && headers.get(REQUEST_PRIVATE_NETWORK).is_some_and(|asked| asked.as_bytes() == b"true")
        {
            answer.insert(ALLOW_PRIVATE_NETWORK, TRUE);
        }
        if let Some(age) = &self.max_age {
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        answer
    }

    fn allowed_origin(&self, origin: &HeaderValue) -> HeaderValue {
        if self.origins.any && (self.literal_wildcard || !self.credentials) { ANY } else { origin.clone() }
    }

    fn allows_method(&self, method: &[u8]) -> bool {
        self.methods.any || method == b"OPTIONS" || self.methods.named.iter().any(|named| named.as_bytes() == method)
    }

    /// Whether each of the `names`, with commas between them, may be sent.
    fn allows_headers(&self, names: &HeaderValue) -> bool {
        let known = |name: &[u8]| self.headers.named.iter().any(|named| named.as_bytes().eq_ignore_ascii_case(name));
        let mut names = names.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        self.headers.any || names.all(|name| name.is_empty() || known(name))
    }
}

impl Origins {
    fn holds(&self, origin: &[u8]) -> bool {
        if origin.is_empty() {
            return false;
        }
        let starts = |text: &str| origin.get(..text.len()).is_some_and(|of| of.eq_ignore_ascii_case(text.as_bytes()));
        let ends = |text: &str| {
            let start = origin.len().checked_sub(text.len());
            start.and_then(|start| origin.get(start..)).is_some_and(|of| of.eq_ignore_ascii_case(text.as_bytes()))
        };
        self.any
            || self.exact.iter().any(|exact| exact.as_bytes().eq_ignore_ascii_case(origin))
            || self
                .patterns
                .iter()
                .any(|(before, after)| origin.len() >= before.len() + after.len() && starts(before) && ends(after))
    }
}

#[cfg(test)]
mod tests;

//! What answers get by the guards that their requests have passed.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, header};

use crate::config::Guards;
use crate::forward::response_body::ResponseBody;

/// What an answer gets, whoever gives it. Empty for requests that pass no guard that adds anything.
#[derive(Debug, Default)]
pub(in crate::forward) struct Additions(Option<Box<Added>>);

/// What there is to add.
#[derive(Debug)]
struct Added {
    guards: Arc<Guards>,
    cors: Option<Sharing>,
    /// Headers of [`Security`](backstay_model::route::guards::Security): whether the request came by TLS.
    security: Option<bool>,
}

/// Who may read the answer.
#[derive(Debug)]
pub(super) enum Sharing {
    /// Pages of this origin, if any.
    Origin(Option<HeaderValue>),
    /// The answer is one to a preflight, and has these headers.
    Preflight(Box<HeaderMap>),
}

const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

impl Additions {
    /// The answer is to say who may read it.
    pub(super) fn share(&mut self, guards: &Arc<Guards>, sharing: Sharing) {
        self.of(guards).cors = Some(sharing);
    }

    /// The answer is to have the headers of [`Security`](backstay_model::route::guards::Security).
    pub(super) fn secure(&mut self, guards: &Arc<Guards>, tls: bool) {
        self.of(guards).security = Some(tls);
    }

    fn of(&mut self, guards: &Arc<Guards>) -> &mut Added {
        self.0.get_or_insert_with(|| Box::new(Added { guards: Arc::clone(guards), cors: None, security: None }))
    }

    /// Puts on the answer what it gets.
    #[inline]
    pub(in crate::forward) fn apply(self, response: &mut Response<ResponseBody>) {
        if let Some(added) = self.0 {
            added.apply(response.headers_mut());
        }
    }
}

impl Added {
    fn apply(self, headers: &mut HeaderMap) {
        if let Some(cors) = &self.guards.checked.cors {
            match self.cors {
                None => {}
                Some(Sharing::Preflight(own)) => {
                    let mut own = *own;
                    if let Some(vary) = own.remove(header::VARY) {
                        headers.append(header::VARY, vary);
                    }
                    headers.extend(own);
                }
                Some(Sharing::Origin(origin)) => {
                    vary_by_origin(headers);
                    for name in [header::ACCESS_CONTROL_EXPOSE_HEADERS, header::ACCESS_CONTROL_ALLOW_CREDENTIALS] {
                        headers.remove(name);
                    }
                    match origin {
                        None => {
                            headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
                        }
                        Some(origin) => {
                            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                            cors.describe(headers);
                        }
                    }
                }
            }
        }
        if let (Some(tls), Some(security)) = (self.security, &self.guards.checked.security) {
            security.describe(tls, headers);
        }
    }
}

/// Caches must tell answers apart by the origin of the request.
fn vary_by_origin(headers: &mut HeaderMap) {
    let mut names = headers.get_all(header::VARY).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let says_so = |name: &[u8]| name.trim_ascii() == b"*" || name.trim_ascii().eq_ignore_ascii_case(b"origin");
    if !names.any(says_so) {
        headers.append(header::VARY, ORIGIN);
    }
}

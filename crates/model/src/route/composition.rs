//! Compositions: one response out of the answers of several backends.
//!
//! What is asked, merged and answered is a [`Plan`] of `backstay_composition`, which knows no backend. Beside it stands, for each of its
//! calls and in the same order, where that goes: a [`CallSite`].
//!
//! # Layout
//!
//! - [`passage`](Passage): what a call passes on its way. `credentials`: tokens that calls carry. `targets`: the hosts of a call, in
//!   turn. `read`: from the wire format, with a file for each part of it.

mod credentials;
mod passage;
mod read;
mod targets;

use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_composition::Plan;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};

use super::reference::Reference;
pub use credentials::Credentials;
pub use passage::{AnswerCache, Breaker, Passage, RateLimit};
pub(super) use read::composition;
pub use targets::CallTargets;

/// One response out of the answers of several backends. `B` stands for a backend, as in [`Action`](crate::Action).
#[derive(Clone, Debug)]
pub struct Composition<B = Arc<str>> {
    /// What is asked, and what is made of the answers.
    pub plan: Arc<Plan>,
    /// Where the calls of the plan go, in their order.
    pub calls: Box<[CallSite<B>]>,
    /// Header that tells the client of each call: its name, how long it took and how it ended.
    pub debug_header: Option<HeaderName>,
    /// How many bytes of the client's body are kept, where several calls get it.
    pub request_bytes: usize,
    /// Claims of the request's token that calls have in their paths: what each is called among the parameters, and the names that
    /// lead to it.
    pub claims: Box<[(String, Vec<String>)]>,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub struct CallSite<B = Arc<str>> {
    /// What metrics, logs and the debug header call it.
    pub name: Arc<str>,
    /// The hosts that it is asked of.
    pub targets: CallTargets<B>,
    /// How many requests it may become by redirects. 0: these are answers.
    pub redirects: u32,
    /// What it carries a token by.
    pub credentials: Option<Arc<Credentials<B>>>,
    /// What it passes before it is made; `None` where that is nothing.
    pub passage: Option<Arc<Passage>>,
}

/// A host that a call is asked of.
#[derive(Clone, Debug)]
pub struct CallTarget<B = Arc<str>> {
    /// The backend; `None` once it is joined if there is none of that name (yet).
    pub backend: Option<B>,
    /// Port of its endpoints; `None` takes the authority's (dynamic backends only).
    pub port: Option<NonZeroU16>,
    /// Share of the calls.
    pub weight: u32,
    /// Host header and authority; `None`: the endpoint's.
    pub authority: Option<HeaderValue>,
    /// What precedes the path of the call: empty, or begins with a slash and does not end with one.
    pub base_path: Box<str>,
    /// Path and query of every call that adds none of the client's; `None` where they depend on the request.
    pub fixed: Option<PathAndQuery>,
}

impl Composition {
    /// The backends that it calls.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference<'_>> {
        let issuers = self.calls.iter().filter_map(|call| call.credentials.as_ref().map(|of| &of.endpoint));
        let targets = self.calls.iter().flat_map(|call| call.targets.all()).chain(issuers);
        targets.filter_map(|target| Some((target.backend.as_ref()?, target.port)))
    }

    /// The same composition on what `find` finds for the backends it names, given with the port. Calls to what it does not find fail.
    pub fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> Composition<B> {
        Composition {
            plan: Arc::clone(&self.plan),
            calls: self.calls.iter().map(|call| call.join(find)).collect(),
            debug_header: self.debug_header.clone(),
            request_bytes: self.request_bytes,
            claims: self.claims.clone(),
        }
    }
}

impl CallSite {
    fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> CallSite<B> {
        CallSite {
            name: Arc::clone(&self.name),
            targets: self.targets.map(|target| target.join(find)),
            redirects: self.redirects,
            credentials: self.credentials.as_ref().map(|credentials| Arc::new(credentials.join(find))),
            passage: self.passage.clone(),
        }
    }
}

impl CallTarget {
    fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> CallTarget<B> {
        CallTarget {
            backend: self.backend.as_deref().and_then(|backend| find(backend, self.port)),
            port: self.port,
            weight: self.weight,
            authority: self.authority.clone(),
            base_path: self.base_path.clone(),
            fixed: self.fixed.clone(),
        }
    }
}

//! One change on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use backstay_telemetry::Span;
use backstay_telemetry::attribute::text;
use backstay_trace::SpanId;
use backstay_xds::server::StreamId;

use super::log::{Mark, What};
use super::request::Request;

/// Most proxies whose part in a change is told: where there are more, those that are sent it first.
const PROXIES: usize = 64;

/// One change on its way.
#[derive(Debug)]
pub(super) struct Pending {
    request: Arc<Request>,
    /// The span of its commit, below which the others are.
    commit: SpanId,
    revision: u64,
    /// When it was compiled, and which fleets it concerns.
    compiled: Option<(Instant, BTreeSet<Arc<str>>)>,
    proxies: BTreeMap<StreamId, Proxy>,
}

#[derive(Debug)]
struct Proxy {
    name: Box<str>,
    fleet: Arc<str>,
    /// When it was sent the change; `None` once it has answered.
    sent: Option<Instant>,
    refused: Option<Box<str>>,
}

impl Pending {
    pub(super) fn new(request: Arc<Request>, commit: SpanId, revision: u64) -> Self {
        Self { request, commit, revision, compiled: None, proxies: BTreeMap::new() }
    }

    /// Whether nothing more will be told of it: it concerns no fleet.
    pub(super) fn is_over(&self) -> bool {
        self.compiled.as_ref().is_some_and(|(_, fleets)| fleets.is_empty())
    }

    /// What is told of it now that this came to pass.
    pub(super) fn take(&mut self, mark: &Mark) -> Option<Span> {
        let span = |name: &str, between| self.request.span(name, self.commit, between, self.revision);
        match &mark.what {
            What::Compiled(between, fleets) if self.compiled.is_none() => {
                let mut span = span("compile", *between);
                span.attributes.extend(fleets.iter().take(PROXIES).map(|fleet| text("backstay.fleet", &**fleet)));
                self.compiled = Some((between.1, fleets.clone()));
                Some(span)
            }
            What::Sent(at, stream, fleet, node) => {
                let (since, fleets) = self.compiled.as_ref()?;
                if !fleets.contains(fleet) || self.proxies.contains_key(stream) || self.proxies.len() >= PROXIES {
                    return None;
                }
                let span = of(span("send", (*since, *at)), node, fleet);
                let proxy = Proxy { name: node.clone(), fleet: fleet.clone(), sent: Some(*at), refused: None };
                self.proxies.insert(*stream, proxy);
                Some(span)
            }
            What::Refused(stream, why) => {
                let proxy = self.proxies.get_mut(stream).filter(|proxy| proxy.sent.is_some())?;
                proxy.refused.get_or_insert_with(|| why.clone());
                None
            }
            What::Answered(at, stream) => {
                let proxy = self.proxies.get_mut(stream)?;
                let (sent, refused) = (proxy.sent.take()?, proxy.refused.take());
                let (name, fleet) = (proxy.name.clone(), proxy.fleet.clone());
                let mut span =
                    of(self.request.span("acknowledge", self.commit, (sent, *at), self.revision), &name, &fleet);
                span.error = refused.map(String::from);
                Some(span)
            }
            What::Compiled(..) => None,
        }
    }
}

fn of(mut span: Span, proxy: &str, fleet: &str) -> Span {
    span.attributes.extend([text("backstay.proxy", proxy), text("backstay.fleet", fleet)]);
    span
}

//! Routes: what is served of each host, in the order in which it is tried.
//!
//! Envoy tries the routes of one virtual host, the most specific for the request, and of no other. So the virtual host of a name holds the
//! rules for it, and after them those for the less specific names that hold it: what a name does not match is still matched by these.
//!
//! A share of requests is a route of its own, that so many of a million take and the rest pass on: what goes to one backend may have other
//! retries, timeouts and changes than what goes to the next.
//!
//! - `hosts`: virtual hosts, and whose they are. `matching`: conditions. `rule`: what is done. `forward`: to backends. `retry`: and again.
//! - `edits`: changes of heads and paths. `answer`: redirects and answers.

mod answer;
mod edits;
mod forward;
mod hosts;
mod matching;
mod retry;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_model::route::Candidate;
use backstay_model::{Backend, HostPattern, Route};
use envoy_types::pb::envoy::config::route::v3 as pb;

use crate::names::ClusterKey;
use crate::omission::Omission;
use crate::wire::{flag, number};

pub(crate) use hosts::domain;

/// What routes are made with: the backends there are. What they use is noted.
pub(crate) struct Routing<'a> {
    pub(crate) backends: &'a BTreeMap<Arc<str>, Backend>,
    /// Port of the socket that is served.
    pub(crate) port: u16,
    /// The clusters that requests go to.
    pub(crate) clusters: BTreeSet<ClusterKey>,
    /// The backends that rules name, there or not: what becomes of a rule depends on them.
    pub(crate) named: BTreeSet<Arc<str>>,
    pub(crate) omissions: Vec<Omission>,
    /// Why no request can go to a backend, as what follows its name.
    obstacle: Obstacle,
    draws: Draws,
    /// The longest body of an answer.
    longest_body: usize,
    /// Whether any backend has attempts counted.
    counts_attempts: bool,
}

/// Why no request can go to a backend and port; `None` where it can.
pub(crate) type Obstacle = fn(&Backend, Option<NonZeroU16>) -> Option<&'static str>;

/// When a number is drawn for a share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draws {
    /// Once for a request, whichever routes it is held against, as Envoy does.
    Once,
    /// For each route anew, as gRPC clients do.
    Each,
}

/// A virtual host, and the names of the resources that it is made of.
pub(crate) type Owned = (pb::VirtualHost, BTreeSet<Arc<str>>);

/// A rule for a host: its route, with the route's name and the rule's position.
pub(crate) type Named<'a> = (&'a Arc<str>, &'a Route, usize);

impl<'a> Routing<'a> {
    pub(crate) const fn new(
        backends: &'a BTreeMap<Arc<str>, Backend>,
        port: u16,
        obstacle: Obstacle,
        draws: Draws,
    ) -> Self {
        Self {
            backends,
            port,
            clusters: BTreeSet::new(),
            named: BTreeSet::new(),
            omissions: Vec::new(),
            obstacle,
            draws,
            longest_body: 0,
            counts_attempts: false,
        }
    }

    /// The virtual hosts of a listener that serves `hosts`, among `all` those of its socket.
    pub(crate) fn virtual_hosts(
        &mut self,
        hosts: &HostPattern,
        all: &BTreeSet<HostPattern>,
        candidates: &[Candidate<Named<'a>>],
    ) -> Vec<Owned> {
        let domains = hosts::domains(hosts, all, candidates);
        let one = |(pattern, candidates): (HostPattern, Vec<&Candidate<Named<'a>>>)| {
            self.counts_attempts = false;
            let owners = candidates.iter().map(|candidate| Arc::clone(candidate.rule.0)).collect();
            let routes: Vec<pb::Route> = candidates.into_iter().flat_map(|candidate| self.routes(candidate)).collect();
            let virtual_host = pb::VirtualHost {
                name: domain(&pattern),
                domains: vec![domain(&pattern)],
                routes,
                include_request_attempt_count: self.counts_attempts,
                include_attempt_count_in_response: self.counts_attempts,
                ..Default::default()
            };
            (virtual_host, owners)
        };
        domains.into_iter().map(one).collect()
    }

    /// The routes called `name`, without the virtual hosts of them.
    pub(crate) fn configuration(&self, name: &str) -> pb::RouteConfiguration {
        pb::RouteConfiguration {
            name: name.to_owned(),
            ignore_port_in_host_matching: true,
            // A cluster that comes later must not have all routes refused.
            validate_clusters: flag(false),
            max_direct_response_body_size_bytes: number(u32::try_from(self.longest_body.max(4096)).unwrap_or(u32::MAX)),
            ..Default::default()
        }
    }
}

/// Answers every request to `hosts` with 421: they are served on connections of their own.
pub(crate) fn misdirected(hosts: &HostPattern) -> pb::VirtualHost {
    pb::VirtualHost {
        name: format!("{} elsewhere", domain(hosts)),
        domains: vec![domain(hosts)],
        routes: vec![answer::fixed(421, "the host is served on connections of its own")],
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;

//! The routing table of one socket.

use std::cmp::Reverse;
use std::sync::Arc;

use backstay_destination::HostPattern;
use http::{HeaderMap, Method};

use super::hosts::Hosts;
use super::matches::Matcher;
use super::paths::Paths;

/// Place of a match among others: the larger precedence first, then the smaller of the rest, left to right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// How specific the match is, as the configuration says.
    pub precedence: Reverse<u64>,
    /// Key of the route.
    pub route: Arc<str>,
    /// Position of the rule in its route.
    pub rule: u32,
    /// Position of the match in its rule.
    pub position: u32,
}

/// One match of one rule for one host name of one listener. What stands for the rule is up to whoever fills the table.
#[derive(Debug)]
pub struct Candidate<R> {
    /// Host names of the listener.
    pub listener: HostPattern,
    /// Host names of the route, which may be more than those of the listener: the more specific wins, as the route says it.
    /// [`HostPattern::Any`] when it has none of its own.
    pub host: HostPattern,
    /// Its place among others.
    pub order: Order,
    /// Its conditions.
    pub matcher: Matcher,
    /// The rule.
    pub rule: R,
}

/// Collects what a [`Table`] is made of, in any order.
#[derive(Debug)]
pub struct TableBuilder<R> {
    listeners: Vec<HostPattern>,
    candidates: Vec<Candidate<R>>,
}

impl<R> Default for TableBuilder<R> {
    fn default() -> Self {
        Self { listeners: Vec::new(), candidates: Vec::new() }
    }
}

impl<R> TableBuilder<R> {
    /// Makes a listener known, so that its host names are its own even without a route.
    pub fn listener(&mut self, hosts: HostPattern) -> &mut Self {
        self.listeners.push(hosts);
        self
    }

    /// Adds a match.
    pub fn candidate(&mut self, candidate: Candidate<R>) -> &mut Self {
        self.candidates.push(candidate);
        self
    }

    /// The table.
    pub fn build(mut self) -> Table<R> {
        let mut listeners = Hosts::<Hosts<Paths<R>>>::default();
        for hosts in self.listeners {
            listeners.entry(hosts);
        }
        self.candidates.sort_by(|a, b| a.order.cmp(&b.order));
        for (rank, candidate) in (0..).zip(self.candidates) {
            listeners.entry(candidate.listener).entry(candidate.host).push(rank, candidate.matcher, candidate.rule);
        }
        Table { listeners }
    }
}

/// Which rule serves a request on one socket.
#[derive(Debug)]
pub struct Table<R> {
    listeners: Hosts<Hosts<Paths<R>>>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { listeners: Hosts::default() }
    }
}

/// The rule that serves a request.
#[derive(Debug)]
pub struct Matched<'a, R> {
    /// The rule.
    pub rule: &'a R,
    /// Length of the path prefix that matched, without a trailing slash; `None` when the match was not by prefix.
    pub prefix: Option<usize>,
}

impl<R> Table<R> {
    /// An empty table to fill.
    pub fn builder() -> TableBuilder<R> {
        TableBuilder::default()
    }

    /// Whether `host` belongs to a listener, and `name` does not belong to the same one (both in lower case, without port,
    /// brackets or trailing dot).
    pub fn divides(&self, name: &str, host: &str) -> bool {
        let owner = |host| self.listeners.matching(host).next();
        owner(host).is_some_and(|listener| !owner(name).is_some_and(|other| std::ptr::eq(listener, other)))
    }

    /// The rule for a request to `host` (lower case, without port, brackets or trailing dot).
    pub fn find(
        &self,
        host: &str,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<Matched<'_, R>> {
        // A listener owns its host names: what it does not route is not found, whatever a less specific one routes.
        let listener = {
            let mut matching = self.listeners.matching(host);
            matching.next()?
        };
        for paths in listener.matching(host) {
            if let Some((rule, prefix)) = paths.find(method, path, query, headers) {
                return Some(Matched { rule, prefix });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;

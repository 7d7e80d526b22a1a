//! The routing table of one socket.

use std::cmp::Reverse;
use std::sync::Arc;

use backstay_destination::HostPattern;
use http::{HeaderMap, Method};

use super::hosts::Hosts;
use super::matches::{Matcher, PathMatch};
use super::paths::{Found, Paths, Rest};
use super::template::PathTemplate;

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

/// What stands for requests to one host name of one listener that no rule matches.
#[derive(Debug)]
pub struct Unmatched<U> {
    /// Host names of the listener.
    pub listener: HostPattern,
    /// Host names of the route.
    pub host: HostPattern,
    /// Key of the route, as in [`Order`].
    pub route: Arc<str>,
    /// What stands for them.
    pub value: U,
}

/// Collects what a [`Table`] is made of, in any order.
#[derive(Debug)]
pub struct TableBuilder<R, U> {
    listeners: Vec<HostPattern>,
    candidates: Vec<Candidate<R>>,
    unmatched: Vec<Unmatched<U>>,
}

impl<R, U> Default for TableBuilder<R, U> {
    fn default() -> Self {
        Self { listeners: Vec::new(), candidates: Vec::new(), unmatched: Vec::new() }
    }
}

impl<R, U> TableBuilder<R, U> {
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

    /// Says what stands for requests that no rule matches. It counts for a host name that no other route has a rule for: what these
    /// do not match is not the one's more than the others'.
    pub fn unmatched(&mut self, unmatched: Unmatched<U>) -> &mut Self {
        self.unmatched.push(unmatched);
        self
    }

    /// The table.
    pub fn build(mut self) -> Table<R, U> {
        let mut listeners = Hosts::<Hosts<Served<R, U>>>::default();
        for hosts in self.listeners {
            listeners.entry(hosts);
        }
        self.candidates.sort_by(|a, b| a.order.cmp(&b.order));
        for (rank, candidate) in (0..).zip(self.candidates) {
            let served = listeners.entry(candidate.listener).entry(candidate.host);
            served.owner.add(&candidate.order.route);
            served.paths.push(rank, candidate.matcher, candidate.rule);
        }
        for Unmatched { listener, host, route, value } in self.unmatched {
            let served = listeners.entry(listener).entry(host);
            served.owner.add(&route);
            served.unmatched = matches!(served.owner, Owner::One(_)).then_some(value);
        }
        Table { listeners }
    }
}

/// What is served of one host name.
#[derive(Debug)]
struct Served<R, U> {
    paths: Paths<R>,
    /// What stands for requests that no rule matches.
    unmatched: Option<U>,
    owner: Owner,
}

impl<R, U> Default for Served<R, U> {
    fn default() -> Self {
        Self { paths: Paths::default(), unmatched: None, owner: Owner::None }
    }
}

/// Whose a host name is.
#[derive(Debug)]
enum Owner {
    None,
    One(Arc<str>),
    Several,
}

impl Owner {
    fn add(&mut self, route: &Arc<str>) {
        match self {
            Self::None => *self = Self::One(Arc::clone(route)),
            Self::One(owner) if owner != route => *self = Self::Several,
            Self::One(_) | Self::Several => {}
        }
    }
}

/// Which rule serves a request on one socket, and what stands for those that none serves.
#[derive(Debug)]
pub struct Table<R, U> {
    listeners: Hosts<Hosts<Served<R, U>>>,
}

impl<R, U> Default for Table<R, U> {
    fn default() -> Self {
        Self { listeners: Hosts::default() }
    }
}

/// The rule that serves a request.
#[derive(Debug)]
pub struct Matched<'a, R> {
    /// The rule.
    pub rule: &'a R,
    /// The condition on the path that matched.
    pub path: &'a PathMatch,
    /// Length of the path prefix that matched, without a trailing slash; `None` when the match was not by prefix.
    pub prefix: Option<usize>,
    /// The template that matched; `None` when the match was by another condition.
    pub template: Option<&'a PathTemplate>,
}

impl<R, U> Table<R, U> {
    /// An empty table to fill.
    pub fn builder() -> TableBuilder<R, U> {
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
        for served in listener.matching(host) {
            if let Some(Found { rule, path, prefix, template }) = served.paths.find(method, path, query, headers) {
                return Some(Matched { rule, path, prefix, template });
            }
        }
        None
    }

    /// The methods that rules for a path name which match the request but for its method, in their order.
    pub fn methods(&self, host: &str, path: &str, query: Option<&str>, headers: &HeaderMap) -> Vec<Method> {
        let mut methods = Vec::new();
        for served in self.listeners.matching(host).next().into_iter().flat_map(|listener| listener.matching(host)) {
            served.paths.methods(path, Rest { query, headers }, |method| {
                if !methods.contains(method) {
                    methods.push(method.clone());
                }
            });
        }
        methods
    }

    /// The decoded path of a template with a rule for the request, if its path had these elements in another case of ASCII letters.
    pub fn folded(
        &self,
        host: &str,
        method: &Method,
        elements: &[&str],
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<String> {
        let listener = self.listeners.matching(host).next()?;
        listener.matching(host).find_map(|served| served.paths.folded(method, elements, Rest { query, headers }))
    }

    /// What stands for requests to `host` that no rule matches: that of its most specific host name which has some.
    pub fn unmatched(&self, host: &str) -> Option<&U> {
        let mut matching = self.listeners.matching(host);
        matching.next()?.matching(host).find_map(|served| served.unmatched.as_ref())
    }
}

#[cfg(test)]
mod tests;

//! The matches of one host name, by path.

use std::collections::HashMap;

use http::{HeaderMap, Method};
use regex::bytes::Regex;

use super::matches::{Matcher, PathMatch};

/// One match, with its place in the order: the smaller rank wins.
#[derive(Debug)]
struct Ranked<R> {
    rank: u32,
    matcher: Matcher,
    rule: R,
}

/// The matches of one host name.
#[derive(Debug)]
pub(super) struct Paths<R> {
    exact: HashMap<Box<str>, Vec<Ranked<R>>>,
    /// Prefix "/", which every path but "*" has.
    root: Vec<Ranked<R>>,
    /// Without a trailing slash.
    prefix: HashMap<Box<str>, Vec<Ranked<R>>>,
    /// Distinct lengths of the keys of `prefix`, longest first.
    prefix_lengths: Vec<usize>,
    regex: Vec<(Regex, Ranked<R>)>,
}

impl<R> Default for Paths<R> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            root: Vec::new(),
            prefix: HashMap::new(),
            prefix_lengths: Vec::new(),
            regex: Vec::new(),
        }
    }
}

impl<R> Paths<R> {
    /// Adds a match. Must be called in order of rank.
    pub(super) fn push(&mut self, rank: u32, matcher: Matcher, rule: R) {
        match matcher.path.clone() {
            PathMatch::Exact(path) => self.exact.entry(path).or_default().push(Ranked { rank, matcher, rule }),
            PathMatch::Prefix(prefix) => {
                let prefix = prefix.trim_end_matches('/');
                if prefix.is_empty() {
                    self.root.push(Ranked { rank, matcher, rule });
                    return;
                }
                if let Err(at) = self.prefix_lengths.binary_search_by(|length| prefix.len().cmp(length)) {
                    self.prefix_lengths.insert(at, prefix.len());
                }
                self.prefix.entry(prefix.into()).or_default().push(Ranked { rank, matcher, rule });
            }
            PathMatch::Regex(regex) => self.regex.push((regex, Ranked { rank, matcher, rule })),
        }
    }

    /// The rule of the smallest rank that holds, and the length of the prefix it matched.
    pub(super) fn find(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<(&R, Option<usize>)> {
        let holds = |ranked: &Ranked<R>| ranked.matcher.holds(method, headers, query);
        let mut best = Best(None);
        if !self.exact.is_empty()
            && let Some(ranked) = self.exact.get(path)
        {
            best.consider(ranked, None, holds);
        }
        for &length in &self.prefix_lengths {
            let ends_at_an_element = match path.as_bytes().get(length) {
                None => path.len() == length,
                Some(byte) => *byte == b'/',
            };
            if ends_at_an_element && let Some(ranked) = self.prefix.get(&path[..length]) {
                best.consider(ranked, Some(length), holds);
            }
        }
        if path.starts_with('/') {
            best.consider(&self.root, Some(0), holds);
        }
        for (regex, ranked) in &self.regex {
            if best.rank().is_some_and(|best| best < ranked.rank) {
                break;
            }
            if regex.is_match(path.as_bytes()) {
                best.consider(std::slice::from_ref(ranked), None, holds);
            }
        }
        best.0.map(|(ranked, prefix)| (&ranked.rule, prefix))
    }
}

/// The winner so far, with the length of the prefix it matched.
struct Best<'a, R>(Option<(&'a Ranked<R>, Option<usize>)>);

impl<'a, R> Best<'a, R> {
    fn rank(&self) -> Option<u32> {
        self.0.map(|(ranked, _)| ranked.rank)
    }

    /// Takes the first of `ranked` that holds, if it ranks before the winner so far.
    fn consider(&mut self, ranked: &'a [Ranked<R>], prefix: Option<usize>, holds: impl Fn(&Ranked<R>) -> bool) {
        let rank = self.rank();
        let found = ranked
            .iter()
            .take_while(|candidate| rank.is_none_or(|rank| candidate.rank < rank))
            .find(|candidate| holds(candidate));
        if let Some(found) = found {
            self.0 = Some((found, prefix));
        }
    }
}

//! The matches of one host name, by path.

use std::collections::HashMap;

use http::{HeaderMap, Method};
use regex::bytes::Regex;

use super::matches::{Matcher, PathMatch};
use super::template::{DecodedPath, PathTemplate};
use super::templates::Templates;

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
    /// `None` where there are none.
    templates: Option<Box<Templates<Ranked<R>>>>,
}

/// The rule for a request, and how it was found.
pub(super) struct Found<'a, R> {
    pub(super) rule: &'a R,
    /// Length of the prefix that matched.
    pub(super) prefix: Option<usize>,
    /// The condition on the path.
    pub(super) path: &'a PathMatch,
    /// The template that matched.
    pub(super) template: Option<&'a PathTemplate>,
}

/// What the rules for a path ask beside it.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
}

impl<R> Default for Paths<R> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            root: Vec::new(),
            prefix: HashMap::new(),
            prefix_lengths: Vec::new(),
            regex: Vec::new(),
            templates: None,
        }
    }
}

/// Adds to the rules of one path, of which there mostly is a single one: an empty list would make room for four.
fn one_more<R>(rules: &mut Vec<Ranked<R>>, rule: Ranked<R>) {
    if rules.is_empty() {
        rules.reserve_exact(1);
    }
    rules.push(rule);
}

impl<R> Paths<R> {
    /// Adds a match. Must be called in order of rank.
    pub(super) fn push(&mut self, rank: u32, matcher: Matcher, rule: R) {
        match matcher.path.clone() {
            PathMatch::Exact(path) => one_more(self.exact.entry(path).or_default(), Ranked { rank, matcher, rule }),
            PathMatch::Prefix(prefix) => {
                let prefix = prefix.trim_end_matches('/');
                if prefix.is_empty() {
                    self.root.push(Ranked { rank, matcher, rule });
                    return;
                }
                if let Err(at) = self.prefix_lengths.binary_search_by(|length| prefix.len().cmp(length)) {
                    self.prefix_lengths.insert(at, prefix.len());
                }
                one_more(self.prefix.entry(prefix.into()).or_default(), Ranked { rank, matcher, rule });
            }
            PathMatch::Regex(regex) => self.regex.push((regex, Ranked { rank, matcher, rule })),
            PathMatch::Template(template) => {
                self.templates.get_or_insert_default().push(&template, Ranked { rank, matcher, rule });
            }
        }
    }

    /// The rule of the smallest rank that holds.
    pub(super) fn find(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<Found<'_, R>> {
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
        let Some(templates) = &self.templates else {
            return best.0.map(|(ranked, prefix)| {
                let path = &ranked.matcher.path;
                Found { rule: &ranked.rule, path, prefix, template: None }
            });
        };
        if let Some(path) = DecodedPath::of(path) {
            templates.visit(&path, |ranked| best.consider(ranked, None, holds));
        }
        best.0.map(|(ranked, prefix)| {
            let template = match &ranked.matcher.path {
                PathMatch::Template(template) => Some(&**template),
                _ => None,
            };
            Found { rule: &ranked.rule, path: &ranked.matcher.path, prefix, template }
        })
    }

    /// Hands the method of every rule for `path` that holds but for its method to `visit`.
    pub(super) fn methods<'p>(&'p self, path: &str, rest: Rest<'_>, mut visit: impl FnMut(&'p Method)) {
        let mut each = |ranked: &'p [Ranked<R>]| {
            for matcher in ranked.iter().map(|ranked| &ranked.matcher) {
                if let Some(method) = &matcher.method
                    && matcher.holds(method, rest.headers, rest.query)
                {
                    visit(method);
                }
            }
        };
        self.exact.get(path).into_iter().for_each(|ranked| each(ranked));
        for &length in &self.prefix_lengths {
            if path.len() == length || path.as_bytes().get(length) == Some(&b'/') {
                self.prefix.get(&path[..length]).into_iter().for_each(|ranked| each(ranked));
            }
        }
        if path.starts_with('/') {
            each(&self.root);
        }
        for (_, ranked) in self.regex.iter().filter(|(regex, _)| regex.is_match(path.as_bytes())) {
            each(std::slice::from_ref(ranked));
        }
        if let Some(templates) = &self.templates
            && let Some(path) = DecodedPath::of(path)
        {
            templates.visit(&path, each);
        }
    }

    /// The path that a template with a rule for the request has in place of these elements, in another case of ASCII letters: that of
    /// the smallest rank, decoded.
    pub(super) fn folded(&self, method: &Method, elements: &[&str], rest: Rest<'_>) -> Option<String> {
        let mut best: Option<(u32, String)> = None;
        self.templates.as_ref()?.visit_folded(elements, |ranked, written| {
            let holds = |ranked: &&Ranked<R>| ranked.matcher.holds(method, rest.headers, rest.query);
            if let Some(found) = ranked.iter().find(holds)
                && best.as_ref().is_none_or(|(rank, _)| found.rank < *rank)
            {
                best = Some((found.rank, format!("/{}", written.join("/"))));
            }
        });
        best.map(|(_, path)| path)
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

//! Values by host pattern.

use std::collections::HashMap;

use backstay_destination::HostPattern;

/// Values by host pattern, found from the most specific pattern to the least.
#[derive(Debug)]
pub(super) struct Hosts<T> {
    exact: HashMap<Box<str>, T>,
    /// By suffix with its leading dot.
    wildcard: HashMap<Box<str>, T>,
    any: Option<T>,
}

impl<T> Default for Hosts<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcard: HashMap::new(), any: None }
    }
}

impl<T: Default> Hosts<T> {
    /// The value of `pattern`, made when absent.
    pub(super) fn entry(&mut self, pattern: HostPattern) -> &mut T {
        match pattern {
            HostPattern::Exact(name) => self.exact.entry(name).or_default(),
            HostPattern::Wildcard(suffix) => self.wildcard.entry(suffix).or_default(),
            HostPattern::Any => self.any.get_or_insert_default(),
        }
    }
}

impl<T> Hosts<T> {
    /// The values of the patterns that `host` is in, most specific first.
    pub(super) fn matching<'a, 'h>(&'a self, host: &'h str) -> impl Iterator<Item = &'a T> + use<'a, 'h, T> {
        let exact = if self.exact.is_empty() { None } else { self.exact.get(host) };
        let dots = if self.wildcard.is_empty() { "" } else { host };
        let wildcards = dots
            .match_indices('.')
            // "*.example.com" needs at least one character in front of the dot.
            .filter(|(at, _)| *at > 0)
            .filter_map(|(at, _)| self.wildcard.get(&host[at..]));
        exact.into_iter().chain(wildcards).chain(self.any.as_ref())
    }
}

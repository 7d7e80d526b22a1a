//! Virtual hosts.

use std::collections::{BTreeMap, BTreeSet};

use backstay_model::HostPattern;
use backstay_model::route::Candidate;

/// A pattern as Envoy's virtual hosts and server names have it.
pub(crate) fn domain(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Exact(name) if name.contains(':') => format!("[{name}]"),
        HostPattern::Exact(name) => name.to_string(),
        HostPattern::Wildcard(suffix) => format!("*{suffix}"),
        HostPattern::Any => "*".to_owned(),
    }
}

/// The patterns that hold all of `pattern`, from itself to the least specific.
fn covering(pattern: &HostPattern) -> Vec<HostPattern> {
    let mut all = vec![pattern.clone()];
    let (name, from) = match pattern {
        HostPattern::Exact(name) => (name, 0),
        HostPattern::Wildcard(suffix) => (suffix, 1),
        HostPattern::Any => return all,
    };
    // Not the dot that a name or suffix begins with: there is nothing before it.
    let dots = name.match_indices('.').map(|(at, _)| at).filter(|at| *at >= from.max(1));
    all.extend(dots.map(|at| HostPattern::Wildcard(name[at..].into())));
    all.push(HostPattern::Any);
    all
}

fn covers(outer: &HostPattern, inner: &HostPattern) -> bool {
    covering(inner).contains(outer)
}

/// What a listener that serves `hosts` has of host names that are not those of a more specific one of `all`, each with its rules in the order
/// in which they are tried. The listener's own pattern is always among them: what it does not route is nobody else's.
pub(super) fn domains<'c, R>(
    hosts: &HostPattern,
    all: &BTreeSet<HostPattern>,
    candidates: &'c [Candidate<R>],
) -> Vec<(HostPattern, Vec<&'c Candidate<R>>)> {
    let mut by_pattern: BTreeMap<&HostPattern, Vec<&Candidate<R>>> = BTreeMap::new();
    for candidate in candidates {
        by_pattern.entry(&candidate.host).or_default().push(candidate);
    }
    for candidates in by_pattern.values_mut() {
        candidates.sort_by(|one, other| one.order.cmp(&other.order));
    }
    let owner = |pattern: &HostPattern| covering(pattern).into_iter().find(|covering| all.contains(covering));
    let mut served: BTreeSet<&HostPattern> = by_pattern.keys().copied().filter(|host| covers(hosts, host)).collect();
    served.insert(hosts);
    let served = served.into_iter().filter(|pattern| owner(pattern).as_ref() == Some(hosts));
    let served = served.map(|pattern| {
        let rules =
            covering(pattern).iter().filter_map(|covering| by_pattern.get(covering)).flatten().copied().collect();
        (pattern.clone(), rules)
    });
    served.collect()
}

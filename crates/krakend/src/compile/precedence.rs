//! Which of several endpoints takes a request: text before a variable, element by element from the left, and back again where the
//! text leads nowhere, as KrakenD's router has it.

use std::cmp::Ordering;

use crate::plan::{Endpoint, RoutePath, RouteSegment};

/// Where the compiler has matches by regular expressions and templates: after exact paths and before prefixes.
const CLASS: u64 = 2 << 40;

/// The precedence of each endpoint, in their order. Of two that take a request the one that is larger counts.
pub(super) fn precedences(endpoints: &[Endpoint]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..endpoints.len()).collect();
    let path = |index: &usize| endpoints.get(*index).map(|endpoint| &endpoint.path);
    // The most specific comes last.
    order.sort_by(|one, other| match (path(one), path(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    let mut precedences = vec![CLASS; endpoints.len()];
    for (rank, index) in order.into_iter().enumerate() {
        if let Some(precedence) = precedences.get_mut(index) {
            *precedence += u64::try_from(rank).unwrap_or_default();
        }
    }
    precedences
}

fn compare(one: &RoutePath, other: &RoutePath) -> Ordering {
    one.segments.iter().map(specificity).cmp(other.segments.iter().map(specificity))
}

/// Text alone before text with a variable behind it, the longer text first. What two different texts are to each other does not
/// count: no request has both.
fn specificity(segment: &RouteSegment) -> (bool, usize) {
    (segment.variable.is_none(), segment.literal.len())
}

#[cfg(test)]
mod tests;

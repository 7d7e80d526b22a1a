//! What has changed between two observations.

use std::collections::HashMap;

use backstay_proto::admin::EventType;

/// The events that lead from one observation to the next. Before the first, nothing was known: what there is comes with a mark at its
/// end.
pub(super) fn changes<T: Clone + PartialEq>(
    before: Option<&[T]>,
    now: &[T],
    name: fn(&T) -> String,
) -> Vec<(EventType, Option<T>)> {
    let known: HashMap<String, &T> = before.unwrap_or_default().iter().map(|item| (name(item), item)).collect();
    let mut events = Vec::new();
    let mut there = HashMap::with_capacity(now.len());
    for item in now {
        let name = name(item);
        match known.get(&name) {
            None => events.push((EventType::Added, Some(item.clone()))),
            Some(earlier) if *earlier != item => events.push((EventType::Modified, Some(item.clone()))),
            Some(_) => {}
        }
        there.insert(name, ());
    }
    for item in before.unwrap_or_default() {
        if !there.contains_key(&name(item)) {
            events.push((EventType::Deleted, Some(item.clone())));
        }
    }
    if before.is_none() {
        events.push((EventType::Synchronized, None));
    }
    events
}

#[cfg(test)]
mod tests {
    use backstay_proto::admin::EventType::{Added, Deleted, Modified, Synchronized};

    use super::*;

    #[test]
    fn the_first_observation_ends_with_a_mark() {
        let name = |item: &(&'static str, u8)| item.0.to_owned();
        assert_eq!(changes(None, &[("a", 1)], name), [(Added, Some(("a", 1))), (Synchronized, None)]);
        assert_eq!(changes(None, &[], name), [(Synchronized, None)]);
    }

    #[test]
    fn later_ones_tell_what_has_changed_alone() {
        let name = |item: &(&'static str, u8)| item.0.to_owned();
        let events = changes(Some(&[("a", 1), ("b", 1), ("c", 1)]), &[("a", 1), ("b", 2), ("d", 1)], name);
        let expected = [(Modified, Some(("b", 2))), (Added, Some(("d", 1))), (Deleted, Some(("c", 1)))];
        assert_eq!(events, expected);
    }
}

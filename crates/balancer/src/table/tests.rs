use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::{prop_assert, proptest};

use super::{MaglevTable, Ring};
use crate::hash_of;

fn keys(count: u32) -> Vec<String> {
    (0..count).map(|index| format!("10.0.{}.{}:80", index / 256, index % 256)).collect()
}

fn shares(weights: &[u32]) -> Vec<(u32, f64)> {
    let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    (0..).zip(weights.iter().map(|weight| f64::from(*weight) / sum)).collect()
}

fn tally(indices: impl Iterator<Item = u32>) -> HashMap<u32, usize> {
    indices.fold(HashMap::new(), |mut counts, index| {
        *counts.entry(index).or_default() += 1;
        counts
    })
}

fn maglev(shares: Vec<(u32, f64)>, keys: &[String], size: u32) -> MaglevTable {
    MaglevTable::new(shares, |index| &keys[index as usize], size)
}

fn ring(shares: &[(u32, f64)], keys: &[String], minimum: u32, maximum: u32) -> Ring {
    Ring::new(shares, |index| &keys[index as usize], minimum, maximum)
}

#[test]
fn a_ring_holds_the_hashes_of_numbered_keys() {
    let keys = keys(2);
    let ring = ring(&shares(&[1, 1]), &keys, 24, 1024);
    assert_eq!(ring.hashes().len(), 24);
    for index in 0..2 {
        for number in 0..12 {
            let hash = hash_of(format!("{}_{number}", keys[index as usize]).as_bytes());
            assert!(ring.hashes().contains(&(hash, index)), "{number}");
        }
    }
}

#[test]
fn a_ring_leads_to_the_next_hash_and_wraps() {
    let ring = ring(&shares(&[1, 1, 1]), &keys(3), 30, 1024);
    let hashes = ring.hashes();
    for (at, (hash, index)) in hashes.iter().enumerate() {
        assert_eq!(ring.pick(*hash, 0), Some(*index), "at the hash itself");
        let after = hashes[(at + 1) % hashes.len()].1;
        assert_eq!(ring.pick(hash.wrapping_add(1), 0), Some(after));
        assert_eq!(ring.pick(*hash, 1), Some(after), "another attempt takes the next");
    }
    assert_eq!(Ring::default().pick(1, 0), None);
}

#[test]
fn a_ring_is_as_large_as_the_least_share_needs() {
    let sized = |weights: &[u32], minimum, maximum| {
        ring(&shares(weights), &keys(weights.len() as u32), minimum, maximum).hashes().len()
    };
    assert_eq!(sized(&[1], 1024, 8_388_608), 1024);
    // 1024/3 rounded up for each.
    assert_eq!(sized(&[1, 1, 1], 1024, 8_388_608), 1026);
    // The least has a quarter, of 3 hashes at least 1.
    assert_eq!(sized(&[1, 3], 3, 8_388_608), 4);
    assert_eq!(sized(&[1, 1, 1, 1], 1024, 6), 6);
}

#[test]
fn maglev_gives_each_endpoint_as_much_as_the_others() {
    let table = maglev(shares(&[1; 100]), &keys(100), 65_537);
    let counts = tally(table.places().iter().copied());
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|count| (655..=656).contains(count)), "{counts:?}");
}

#[test]
fn maglev_does_not_go_by_the_order_of_endpoints() {
    let keys = keys(7);
    let mut shares = shares(&[1; 7]);
    let table = maglev(shares.clone(), &keys, 1009);
    shares.reverse();
    assert_eq!(maglev(shares, &keys, 1009).places(), table.places());
}

#[test]
fn maglev_without_endpoints_leads_nowhere() {
    assert_eq!(maglev(Vec::new(), &[], 251).pick(1, 0), None);
    assert_eq!(maglev(shares(&[1]), &keys(1), 2).pick(1, 3), Some(0));
}

proptest! {
    #[test]
    fn maglev_follows_weights(weights in vec(1..6_u32, 1..12)) {
        let size = 5003;
        let table = maglev(shares(&weights), &keys(12), size);
        let counts = tally(table.places().iter().copied());
        for (index, share) in shares(&weights) {
            let (count, exact) = (counts[&index] as f64, share * f64::from(size));
            prop_assert!((count - exact).abs() <= exact * 0.02 + 12.0, "{} instead of {}", count, exact);
        }
    }

    #[test]
    fn maglev_moves_little_when_an_endpoint_leaves(count in 3..30_u32, gone in 0..30_u32) {
        let (gone, size) = (gone % count, 65_537);
        let keys = keys(count);
        let equal: Vec<_> = (0..count).map(|index| (index, 1.0 / f64::from(count))).collect();
        let before = maglev(equal.clone(), &keys, size);
        let rest = equal.into_iter().filter(|(index, _)| *index != gone).collect();
        let after = maglev(rest, &keys, size);
        let stayed = before.places().iter().zip(after.places()).filter(|(before, _)| **before != gone);
        let (mut all, mut moved) = (0, 0);
        stayed.for_each(|(before, after)| {
            all += 1;
            moved += usize::from(before != after);
        });
        // The paper's table, a hundred times as large as there are endpoints, moves a few percent at most.
        prop_assert!(moved * 100 <= all * 5, "{} of {} moved", moved, all);
    }

    #[test]
    fn a_ring_moves_nothing_but_what_was_at_the_endpoint_that_left(count in 2..20_u32, gone in 0..20_u32) {
        let gone = gone % count;
        let keys = keys(count);
        // As many hashes for each, with and without it.
        let with: Vec<_> = (0..count).map(|index| (index, 1.0 / f64::from(count))).collect();
        let without: Vec<_> = with.iter().copied().filter(|(index, _)| *index != gone)
            .map(|(index, _)| (index, 1.0 / f64::from(count - 1))).collect();
        let before = ring(&with, &keys, count * 100, u32::MAX);
        let after = ring(&without, &keys, (count - 1) * 100, u32::MAX);
        for hash in (0..500_u64).map(|n| hash_of(&n.to_le_bytes())) {
            let was = before.pick(hash, 0).unwrap();
            prop_assert!(was == gone || after.pick(hash, 0) == Some(was));
        }
    }

    #[test]
    fn shares_of_a_ring_follow_weights(weights in vec(1..5_u32, 2..8)) {
        let ring = ring(&shares(&weights), &keys(8), 8192, u32::MAX);
        let counts = tally(ring.hashes().iter().map(|(_, index)| *index));
        for (index, share) in shares(&weights) {
            let exact = share * ring.hashes().len() as f64;
            prop_assert!((counts[&index] as f64 - exact).abs() <= 1.0);
        }
    }
}

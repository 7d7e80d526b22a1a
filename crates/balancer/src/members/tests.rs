use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::hash_of;

fn candidates(weights: &[u32]) -> Vec<Candidate> {
    let named = |(index, weight): (usize, &u32)| Candidate {
        index,
        weight: *weight,
        identity: hash_of(format!("backend/{index}").as_bytes()),
    };
    weights.iter().enumerate().map(named).collect()
}

#[test]
fn shares_are_within_one_percent() {
    let all = candidates(&[100, 0, 200, 1, 50]);
    let mut random = SmallRng::seed_from_u64(7);
    let mut taken = [0_u32; 5];
    for _ in 0..100_000 {
        taken[by_weight(all.iter().copied(), |total| random.random_range(0..total)).unwrap()] += 1;
    }
    for (candidate, taken) in all.iter().zip(taken) {
        let wanted = 100_000.0 * f64::from(candidate.weight) / 351.0;
        assert!((f64::from(taken) - wanted).abs() < 1_000.0, "{candidate:?} took {taken}");
    }
    assert_eq!(taken[1], 0);
}

#[test]
fn shares_are_exact_over_all_draws() {
    let all = candidates(&[3, 0, 1]);
    let drawn: Vec<_> = (0..4).map(|draw| by_weight(all.iter().copied(), |_| draw).unwrap()).collect();
    assert_eq!(drawn, [0, 0, 0, 2]);
    assert_eq!(by_weight(candidates(&[0, 0]).into_iter(), |_| 0), None);
    assert_eq!(by_weight(std::iter::empty(), |_| 0), None);
}

#[test]
fn keys_are_shared_out_by_weight() {
    let all = candidates(&[100, 200, 100]);
    let mut taken = [0_u32; 3];
    for key in 0..40_000_u64 {
        taken[by_hash(all.iter().copied(), hash_of(&key.to_le_bytes())).unwrap()] += 1;
    }
    for (taken, wanted) in taken.into_iter().zip([10_000, 20_000, 10_000]) {
        assert!(taken.abs_diff(wanted) < 500, "{taken} for {wanted}");
    }
}

#[test]
fn only_the_keys_of_who_goes_move() {
    let all = candidates(&[1, 1, 1, 1]);
    for key in 0..2_000_u64 {
        let key = hash_of(&key.to_le_bytes());
        let before = by_hash(all.iter().copied(), key).unwrap();
        let after = by_hash(all.iter().copied().filter(|candidate| candidate.index != 2), key).unwrap();
        assert!(before == after || before == 2, "{before} became {after}");
    }
    assert_eq!(by_hash(candidates(&[0]).into_iter(), 1), None);
}

#[test]
fn a_quorum_is_a_share_of_the_weight() {
    assert!(is_quorum(75, 100, 75) && !is_quorum(74, 100, 75));
    assert!(is_quorum(0, 100, 0) && is_quorum(0, 0, 75) && is_quorum(u64::MAX, u64::MAX, 100));
}

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{Queue, Schedule};

#[test]
fn the_pattern_that_envoy_shows() {
    let mut schedule = Schedule::new([1, 2, 3].into_iter(), 0);
    let picks: Vec<_> = std::iter::from_fn(|| schedule.next()).map(|entry| entry + 1).take(60).collect();
    assert!(picks.chunks(6).all(|period| period == [3, 2, 3, 1, 2, 3]), "{picks:?}");
    assert_eq!([1, 2, 3].map(|entry| picks.iter().filter(|pick| **pick == entry).count()), [10, 20, 30]);
}

#[test]
fn without_weight_there_is_no_turn() {
    let mut schedule = Schedule::new([0, 5, 0].into_iter(), 7);
    assert!((0..20).all(|_| schedule.next() == Some(1)));
    assert_eq!(Schedule::new([0].into_iter(), 0).next(), None);
    assert_eq!(Schedule::new([].into_iter(), 0).next(), None);
}

#[test]
fn a_queue_follows_weights_that_change() {
    let mut weights = [1.0, 1.0];
    let mut queue = Queue::new(weights.into_iter(), 0.0);
    let mut counts = [0; 2];
    for _ in 0..100 {
        counts[queue.next(|entry| weights[entry as usize]).unwrap() as usize] += 1;
    }
    assert_eq!(counts, [50, 50]);
    weights[1] = 9.0;
    let mut counts = [0; 2];
    for _ in 0..1000 {
        counts[queue.next(|entry| weights[entry as usize]).unwrap() as usize] += 1;
    }
    assert!((99..=101).contains(&counts[0]), "{counts:?}");
}

proptest! {
    #[test]
    fn ratios_are_exact_in_any_period(weights in vec(1..40_u64, 1..12), place in any::<u32>(), skip in 0..200_usize) {
        let mut schedule = Schedule::new(weights.iter().copied(), place);
        (0..skip).for_each(|_| { schedule.next(); });
        let mut counts = vec![0; weights.len()];
        for _ in 0..weights.iter().sum::<u64>() {
            counts[schedule.next().unwrap() as usize] += 1;
        }
        prop_assert_eq!(counts, weights);
    }

    #[test]
    fn nobody_is_early_or_late(weights in vec(1..1000_u64, 2..8), place in any::<u32>()) {
        let mut schedule = Schedule::new(weights.iter().copied(), place);
        let sum: u64 = weights.iter().sum();
        let mut counts = vec![0_u64; weights.len()];
        for picks in 1..2 * sum {
            counts[schedule.next().unwrap() as usize] += 1;
            for (count, weight) in counts.iter().zip(&weights) {
                // Within the number of entries of the exact share.
                let exact = picks as f64 * *weight as f64 / sum as f64;
                let slack = weights.len() as f64;
                proptest::prop_assert!((*count as f64 - exact).abs() <= slack, "{} of {}", count, exact);
            }
        }
    }
}

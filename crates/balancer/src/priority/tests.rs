use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{PriorityHealth, PriorityLoads};

fn loads(levels: &[(u64, u64, u64)], threshold: u32) -> PriorityLoads {
    let levels: Vec<_> = levels
        .iter()
        .map(|(healthy, degraded, total)| PriorityHealth { healthy: *healthy, degraded: *degraded, total: *total })
        .collect();
    PriorityLoads::new(&levels, threshold, 140)
}

#[test]
fn table() {
    // Healthy, degraded and all endpoints of each priority; the shares of healthy and of degraded ones.
    type Row<'a> = (&'a [(u64, u64, u64)], &'a [u32], &'a [u32]);
    let rows: [Row<'_>; 8] = [
        (&[(1, 0, 1)], &[100], &[0]),
        // Overprovisioning bears the loss of up to two in seven.
        (&[(5, 0, 7), (1, 0, 1)], &[100, 0], &[0, 0]),
        (&[(2, 0, 4), (1, 0, 1)], &[70, 30], &[0, 0]),
        (&[(0, 0, 4), (1, 0, 1)], &[0, 100], &[0, 0]),
        // 10, 20, 10 percent healthy; 20, 10, 0 percent degraded.
        (&[(100, 200, 1400), (200, 100, 1400), (100, 0, 1400)], &[16, 28, 14], &[28, 14, 0]),
        (&[(0, 1, 1)], &[0], &[100]),
        (&[(1, 1, 2)], &[70], &[30]),
        // Half of 1.4 is enough for both together.
        (&[(1, 0, 2), (1, 0, 2)], &[70, 30], &[0, 0]),
    ];
    for (levels, healthy, degraded) in rows {
        let loads = loads(levels, 0);
        assert_eq!((&*loads.healthy, &*loads.degraded), (healthy, degraded), "{levels:?}");
        assert!(loads.panic.iter().all(|panic| !panic));
    }
}

#[test]
fn panic_goes_by_the_number_of_endpoints() {
    let one_of_three = loads(&[(1, 0, 3)], 50);
    assert_eq!((one_of_three.healthy, one_of_three.panic), (vec![100], vec![true]));
    let all = loads(&[(0, 0, 2), (0, 0, 1)], 50);
    assert_eq!((all.healthy, all.panic), (vec![67, 33], vec![true, true]));
    let none_healthy = loads(&[(0, 0, 2), (0, 0, 1)], 0);
    assert_eq!((none_healthy.healthy, none_healthy.panic), (vec![100, 0], vec![false, false]));
    let others_suffice = loads(&[(0, 0, 2), (3, 0, 3)], 50);
    assert_eq!((others_suffice.healthy, others_suffice.panic), (vec![0, 100], vec![false, false]));
    let some = loads(&[(1, 0, 5), (3, 0, 5)], 50);
    assert_eq!(some.panic, [false, false], "28 + 84 percent are enough");
    let some = loads(&[(1, 0, 5), (1, 0, 2)], 50);
    assert_eq!((some.healthy, some.panic), (vec![29, 71], vec![true, false]));
    let hardly_any = loads(&[(0, 0, 2), (1, 1, 200)], 0);
    assert_eq!(hardly_any.healthy, [0, 100], "one of 200 is 0 percent, but not nobody");
    assert_eq!(loads(&[(0, 0, 2), (0, 1, 200)], 0).degraded, [0, 100]);
    assert_eq!(loads(&[], 50).choose(7), None);
}

proptest! {
    #[test]
    fn shares_add_up_to_100(
        levels in vec((0..50_u64, 0..50_u64, 0..50_u64), 1..6),
        threshold in 0..=100_u32,
        factor in 100..300_u32,
    ) {
        let levels: Vec<_> = levels
            .into_iter()
            .map(|(healthy, degraded, other)| PriorityHealth { healthy, degraded, total: healthy + degraded + other })
            .collect();
        let loads = PriorityLoads::new(&levels, threshold, factor);
        let sum: u32 = loads.healthy.iter().chain(&loads.degraded).sum();
        prop_assert_eq!(sum, 100);
        if let Some(only) = loads.only() {
            prop_assert!((0..100).all(|hash| loads.choose(hash) == Some(only)));
        }
        // Each percent leads where the shares say.
        let mut counts = vec![[0, 0]; levels.len()];
        for hash in 0..100 {
            let (level, degraded) = loads.choose(hash).unwrap();
            counts[level][usize::from(degraded)] += 1;
        }
        for (at, [healthy, degraded]) in counts.into_iter().enumerate() {
            prop_assert_eq!((healthy, degraded), (loads.healthy[at], loads.degraded[at]));
            // Nobody is sent where nobody is, unless there is nobody at all.
            if levels.iter().any(|level| level.healthy + level.degraded > 0) && !loads.panic[at] {
                prop_assert!(healthy == 0 || levels[at].healthy > 0);
                prop_assert!(degraded == 0 || levels[at].degraded > 0);
            }
        }
    }
}

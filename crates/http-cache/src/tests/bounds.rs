use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn keep(cache: &Arc<Cache>, url: &str, length: usize) {
    let none = HeaderMap::new();
    let question = Question { method: &Method::GET, url, headers: &none };
    let said = headers(&[("cache-control", "max-age=1000")]);
    let recorder = cache.on_answer(&question, StatusCode::OK, &said, (at(0), at(0)));
    recorder.expect("it may be kept").finish_with(vec![b'a'; length].into());
}

fn is_kept(cache: &Cache, url: &str) -> bool {
    let none = HeaderMap::new();
    matches!(cache.look_up(&Question { method: &Method::GET, url, headers: &none }, at(1)), Found::Fresh(_))
}

fn url(index: usize) -> String {
    format!("http://backend.test/{index}")
}

proptest! {
    /// One shard, against a list that is kept in the order of use.
    #[test]
    fn what_was_used_longest_ago_goes_first(
        max_items in 1_u64..8,
        steps in proptest::collection::vec((0_usize..12, any::<bool>()), 1..80),
    ) {
        let budget = Arc::new(Budget::new(1 << 20, Arc::default()));
        let cache = Arc::new(Cache::new(Bounds { max_bytes: 1 << 20, max_items }, budget.clone()));
        let mut order: Vec<usize> = Vec::new();
        for (index, keeps) in steps {
            let known = order.iter().position(|known| *known == index);
            if keeps {
                keep(&cache, &url(index), 10);
                known.map(|at| order.remove(at));
                if order.len() as u64 == max_items {
                    order.remove(0);
                }
                order.push(index);
            } else {
                prop_assert_eq!(is_kept(&cache, &url(index)), known.is_some());
                if let Some(at) = known {
                    let index = order.remove(at);
                    order.push(index);
                }
            }
            prop_assert_eq!(cache.held().1, order.len());
        }
        prop_assert_eq!(cache.held().0, budget.counts.statistics().bytes);
        drop(cache);
        prop_assert_eq!((budget.counts.statistics().bytes, budget.counts.statistics().items), (0, 0), "what is held is given back");
    }

    /// Whatever is kept, caches hold no more than they may, alone and together.
    #[test]
    fn no_more_is_held_than_allowed(
        steps in proptest::collection::vec((any::<bool>(), 0_usize..40, 0_usize..6000), 1..120),
    ) {
        let budget = Arc::new(Budget::new(20_000, Arc::default()));
        let bounds = Bounds { max_bytes: 12_000, max_items: 0 };
        let caches = [0, 1].map(|_| Arc::new(Cache::new(bounds, budget.clone())));
        for (first, index, length) in steps {
            keep(&caches[usize::from(first)], &url(index), length);
            let held: Vec<u64> = caches.iter().map(|cache| cache.held().0).collect();
            prop_assert!(held.iter().all(|held| *held <= bounds.max_bytes), "{held:?}");
            prop_assert_eq!(held.iter().sum::<u64>(), budget.counts.statistics().bytes);
            prop_assert!(budget.counts.statistics().bytes <= budget.limit());
        }
    }
}

#[test]
fn clients_do_not_choose_how_much_is_kept_under_one_url() {
    let budget = Arc::new(Budget::new(1 << 30, Arc::default()));
    let cache = cache_of(&budget);
    let said = [("cache-control", "max-age=10"), ("vary", "x-any")];
    let values: HashSet<String> = (0..100).map(|value| value.to_string()).collect();
    for value in &values {
        answered(&cache, &[("x-any", value)], &said, "a");
    }
    let statistics = budget.counts.statistics();
    assert_eq!((statistics.items, statistics.evictions), (16, 84));
}

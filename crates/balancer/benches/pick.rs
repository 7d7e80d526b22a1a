//! Cost of a pick by one thread, for each policy, while nothing changes; and of the first pick after a change of health.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{
    EndpointSet, EndpointSpec, LeastRequest, LoadBalancing, Maglev, PickContext, Picker, Policy, RingHash, Start,
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const SIZES: [usize; 3] = [1, 100, 10_000];

fn endpoints(count: usize, weighted: bool) -> Arc<EndpointSet> {
    let spec = |index: usize| EndpointSpec {
        weight: if weighted { index as u32 % 7 + 1 } else { 1 },
        ..EndpointSpec::new(format!("10.{}.{}.1:80", index / 256, index % 256))
    };
    EndpointSet::new((0..count).map(spec).collect(), Start::Usable, Duration::ZERO)
}

fn policies() -> [(&'static str, Policy, bool); 7] {
    let least = || Policy::LeastRequest(LeastRequest::default());
    [
        ("round_robin", Policy::RoundRobin, false),
        ("round_robin_weighted", Policy::RoundRobin, true),
        ("least_request", least(), false),
        ("least_request_weighted", least(), true),
        ("random", Policy::Random, false),
        ("ring_hash", Policy::RingHash(RingHash::default()), false),
        ("maglev", Policy::Maglev(Maglev::default()), false),
    ]
}

fn picks(criterion: &mut Criterion) {
    for (name, policy, weighted) in policies() {
        let config = Arc::new(LoadBalancing { policy, ..LoadBalancing::default() });
        let mut group = criterion.benchmark_group(format!("pick/{name}"));
        for size in SIZES {
            let set = endpoints(size, weighted);
            let mut picker = Picker::new(Arc::clone(&config), 1);
            let mut hash = 1_u64;
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let context = PickContext { hash: Some(hash), ..PickContext::default() };
                    black_box(picker.pick(&set, &context))
                });
            });
        }
        group.finish();
    }
}

fn changes(criterion: &mut Criterion) {
    for (name, policy, weighted) in policies() {
        let config = Arc::new(LoadBalancing { policy, ..LoadBalancing::default() });
        let mut group = criterion.benchmark_group(format!("pick_after_change/{name}"));
        group.sample_size(10);
        for size in SIZES {
            let set = endpoints(size, weighted);
            let mut picker = Picker::new(Arc::clone(&config), 1);
            let mut failed = false;
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    failed = !failed;
                    if let Some(state) = set.state(0) {
                        state.set_failed_check(failed, Duration::ZERO);
                    }
                    black_box(picker.pick(&set, &PickContext::default()))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, picks, changes);
criterion_main!(benches);

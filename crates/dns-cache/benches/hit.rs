//! What a request for a known host costs, with few and with many hosts in the cache: the name read, found, and marked as
//! used. From one thread, and from two at once for the same host and for different ones.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backstay_dns_cache::{Answer, Cache, Family, Found, RecordKind, Resolve, ServiceAnswer, Settings, Target};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Runtime;

struct Always;

impl Resolve for Always {
    fn query(&self, _: Arc<str>, _: RecordKind) -> BoxFuture<'_, Answer> {
        let answer = Answer::Addresses(vec!["10.0.0.1".parse().unwrap()], Duration::from_secs(24 * 3600));
        async { answer }.boxed()
    }

    fn services(&self, _: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async { ServiceAnswer::Empty("nxdomain".into()) }.boxed()
    }
}

fn name(number: usize) -> String {
    format!("tenant-{number}.service.example.com")
}

fn filled(runtime: &Runtime, hosts: usize) -> Cache {
    let settings =
        Settings { family: Family::V4Only, max_hosts: hosts, max_pending_requests: hosts, ..Settings::default() };
    let cache = Cache::new(settings, Arc::new(Always), runtime.handle()).unwrap();
    runtime.block_on(async {
        for host in 0..hosts {
            cache.lookup(&name(host), 443).await.unwrap();
        }
    });
    cache
}

fn hit(cache: &Cache, authority: &str) {
    let Ok(target) = Target::parse(black_box(authority), 443) else { return };
    let found = cache.find(&target);
    assert!(matches!(found, Found::Known(Ok(_))));
    black_box(&found);
}

fn hits(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("hit");
    for hosts in [1, 1_000, 100_000] {
        let cache = filled(&runtime, hosts);
        let names: Vec<_> = (0..hosts.min(4096)).map(|n| name(n * 7919 % hosts)).collect();
        let mut turn = names.iter().cycle();
        group.bench_function(BenchmarkId::new("alone", hosts), |bencher| {
            bencher.iter(|| hit(&cache, turn.next().unwrap()));
        });
        for (beside, other) in [("beside-the-same", 0), ("beside-another", hosts - 1)] {
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let other = name(other);
                    while !stop.load(Ordering::Relaxed) {
                        hit(&cache, &other);
                    }
                });
                group.bench_function(BenchmarkId::new(beside, hosts), |bencher| {
                    let one = name(0);
                    bencher.iter(|| hit(&cache, &one));
                });
                stop.store(true, Ordering::Relaxed);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, hits);
criterion_main!(benches);

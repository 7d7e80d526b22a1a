//! What a request for a known host costs, with few and with many hosts in the cache: the name read, found, and marked as
//! used. From one thread; from two at once for the same host and for different ones; and beside a thread that enters new hosts, which
//! fail and make room again. And what it costs to enter one.
//!
//! All in CPU time of the thread that asks, so that other work on the machine does not count.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use backstay_dns_cache::{Answer, Cache, Family, Found, RecordKind, Resolve, ServiceAnswer, Settings, Target};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use futures::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

/// Hosts entered, and then awaited, at once.
const BATCH: usize = 64;

/// CPU time of the calling thread.
struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Every name has an address, for a day, but for those that are new.
struct Always;

impl Resolve for Always {
    fn query(&self, name: Arc<str>, _: RecordKind) -> BoxFuture<'_, Answer> {
        let answer = if name.starts_with("new-") {
            Answer::Empty("nxdomain".into())
        } else {
            Answer::Addresses(vec!["10.0.0.1".parse().unwrap()], Duration::from_secs(24 * 3600))
        };
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
    let settings = Settings {
        family: Family::V4Only,
        max_hosts: hosts + 2 * BATCH,
        max_pending_requests: hosts + 2 * BATCH,
        ..Settings::default()
    };
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

/// Targets that no cache holds.
fn new_targets(next: &AtomicUsize) -> Vec<Target> {
    let first = next.fetch_add(BATCH, Ordering::Relaxed);
    (first..first + BATCH).map(|number| Target::parse(&format!("new-{number}.example.com"), 443).unwrap()).collect()
}

/// What is waited for after that, each of which fails.
fn ended(runtime: &Runtime, all: Vec<Found>) {
    runtime.block_on(async {
        for found in all {
            let Found::Pending(waiting) = found else { panic!("{found:?} is not new") };
            waiting.wait().await.unwrap_err();
        }
    });
}

/// Measures hits while another thread does something without a pause.
fn beside(other: impl Fn() + Sync, measure: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                other();
            }
        });
        measure();
        stop.store(true, Ordering::Relaxed);
    });
}

fn hits(criterion: &mut Criterion<ThreadTime>) {
    let runtime = Runtime::new().unwrap();
    let next = AtomicUsize::new(0);
    let mut group = criterion.benchmark_group("hit");
    for hosts in [1, 1_000, 100_000] {
        let cache = filled(&runtime, hosts);
        let names: Vec<_> = (0..hosts.min(4096)).map(|n| name(n * 7919 % hosts)).collect();
        let mut turn = names.iter().cycle();
        group.bench_function(BenchmarkId::new("alone", hosts), |bencher| {
            bencher.iter(|| hit(&cache, turn.next().unwrap()));
        });
        for (label, other) in [("beside-the-same", 0), ("beside-another", hosts - 1)] {
            let (one, other) = (name(0), name(other));
            beside(
                || hit(&cache, &other),
                || {
                    group.bench_function(BenchmarkId::new(label, hosts), |bencher| {
                        bencher.iter(|| hit(&cache, &one));
                    });
                },
            );
        }
        beside(
            || ended(&runtime, new_targets(&next).iter().map(|target| cache.find(target)).collect()),
            || {
                group.bench_function(BenchmarkId::new("beside-a-writer", hosts), |bencher| {
                    bencher.iter(|| hit(&cache, turn.next().unwrap()));
                });
            },
        );
    }
    group.finish();
}

fn insertions(criterion: &mut Criterion<ThreadTime>) {
    let runtime = Runtime::new().unwrap();
    let next = AtomicUsize::new(0);
    let mut group = criterion.benchmark_group("insertion");
    for hosts in [1, 1_000, 100_000] {
        let cache = filled(&runtime, hosts);
        group.bench_function(BenchmarkId::from_parameter(hosts), |bencher| {
            bencher.iter_custom(|count| {
                let mut spent = Duration::ZERO;
                let batches = count.div_ceil(BATCH as u64);
                for _ in 0..batches {
                    let targets = new_targets(&next);
                    let began = ThreadTime.start();
                    let found: Vec<_> = targets.iter().map(|target| cache.find(target)).collect();
                    spent += ThreadTime.end(began);
                    ended(&runtime, found);
                }
                spent.mul_f64(count as f64 / (batches * BATCH as u64) as f64)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = hits, insertions
}
criterion_main!(benches);

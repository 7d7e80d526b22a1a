//! Three members of etcd, three control planes and six proxies, of which one after another is killed, hangs or is cut off, has a full disk
//! or a clock that jumps, while four clients write, three watch, and requests are served.
//!
//! `BACKSTAY_FAULTS` is how many times; what happens is chosen by `BACKSTAY_SEED`, which is printed. `BACKSTAY_PROGRAM` names another build
//! of the command, such as a release.

mod checker;
mod clients;
mod clock;
mod fault;
mod scene;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::clients::{Clients, Served, Shared};
use self::fault::Fault;
use self::scene::Scene;
use crate::harness::etcd::program;
use crate::harness::say;

/// A generator that is the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn time(&mut self) -> Duration {
        Duration::from_millis(200 + 50 * self.below(30) as u64)
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_dies_hangs_or_is_cut_off_no_acknowledged_write_and_no_request_is_lost() {
    if program().is_none() {
        return;
    }
    let seed = setting("BACKSTAY_SEED", u64::from(std::process::id()));
    say(&format!("cluster: BACKSTAY_SEED={seed}"));
    let mut chance = Chance(seed);
    let faults = (0..setting("BACKSTAY_FAULTS", 8)).map(|_| {
        let fault = Fault::ALL[chance.below(Fault::ALL.len())];
        (fault, chance.below(6), chance.time())
    });
    suffer(6, faults.collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn neither_a_clock_that_jumps_nor_a_full_disk_loses_an_acknowledged_write_or_a_request() {
    if program().is_none() {
        return;
    }
    let short = Duration::from_millis(500);
    let faults = [
        (Fault::ControlPlaneHasAnotherTime, 0),
        (Fault::EtcdHasNoRoom, 0),
        (Fault::ControlPlaneHasAnotherTime, 1),
        (Fault::EtcdHasNoRoom, 1),
    ];
    suffer(2, faults.map(|(fault, index)| (fault, index, short)).into()).await;
}

/// Has faults happen to a scene with so many proxies, one after another, and checks what clients have seen.
async fn suffer(proxies: usize, faults: Vec<(Fault, usize, Duration)>) {
    let mut scene = Scene::start(proxies).await;
    let ports: Vec<_> = scene.edges.iter().map(|edge| edge.port).collect();
    let shared = Arc::new(Shared::new(scene.apis(), &ports));
    let clients = Clients::start(&shared).await;
    let (mut longest, mut left_out) = (BTreeMap::<Fault, Duration>::new(), BTreeMap::<Fault, usize>::new());
    for (round, (fault, index, time)) in faults.into_iter().enumerate() {
        say(&format!("cluster: round {round}: {fault:?} ({index}, {time:?})"));
        let before = Instant::now();
        if !fault.happen(&mut scene, &shared, index, time).await {
            *left_out.entry(fault).or_default() += 1;
            continue;
        }
        // The next fault finds clients at work, not on their way back.
        shared.another_write(4).await;
        let gap = longest.entry(fault).or_default();
        *gap = shared.longest_since(before).max(*gap);
    }
    let healed = Instant::now();
    // All proxies answer for the last change, whichever control plane they are at.
    let revision = scene.change().await;
    scene.all_serve_it().await;
    let served = healed.elapsed();
    scene.status_says_so().await;
    let told = healed.elapsed();
    let (history, Served { requests, failures }) = clients.stop(&shared, revision).await;
    assert!(history.acknowledged.len() > 4, "{}", history.acknowledged.len());
    assert_eq!(history.faults(), Vec::<String>::new());
    assert_eq!(failures, Vec::<String>::new(), "of {requests} requests");
    say(&format!(
        "cluster: {} writes acknowledged, {} unknown; {requests} requests; all serve the last change after {served:.1?}, and their status says so after {told:.1?}",
        history.acknowledged.len(),
        history.unknown.len(),
    ));
    for (fault, gap) in longest {
        say(&format!("cluster: {fault:?}: longest time without a write {gap:.1?}"));
    }
    for (fault, count) in left_out {
        say(&format!("SKIPPED: {fault:?}, {count} times: it cannot be done here (root may mount file systems)"));
    }
}

/// The value that a client has written to an object.
fn value(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"]["value"].as_str()
}

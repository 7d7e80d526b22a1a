//! What holds whatever happens.

use std::sync::Arc;
use std::time::Duration;

use backstay_dns_cache::{FailureBackoff, Settings};
use proptest::prelude::*;

use crate::script::{Reply, World, s, v4};

#[derive(Clone, Debug)]
enum Step {
    /// A request for one of some names, which gives up after so long.
    Ask(u8, u64),
    Answer(u8, Kind),
    Pass(u64),
    Configure(usize, usize),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Found,
    Denied,
    Empty,
    Failed,
    Mute,
}

const NAMES: u8 = 12;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind =
        prop_oneof![Just(Kind::Found), Just(Kind::Denied), Just(Kind::Empty), Just(Kind::Failed), Just(Kind::Mute)];
    let step = prop_oneof![
        4 => (0..NAMES, 0..8000_u64).prop_map(|(name, patience)| Step::Ask(name, patience)),
        2 => (0..NAMES, kind).prop_map(|(name, kind)| Step::Answer(name, kind)),
        2 => (0..4000_u64).prop_map(Step::Pass),
        1 => (1..6_usize, 0..4_usize).prop_map(|(hosts, negative)| Step::Configure(hosts, negative)),
    ];
    prop::collection::vec(step, 1..60)
}

fn settings(max_hosts: usize, max_negative_hosts: usize) -> Settings {
    Settings {
        max_hosts,
        max_negative_hosts,
        max_pending_requests: 6,
        min_refresh_rate: s(1),
        refresh_rate: s(2),
        query_timeout: s(3),
        host_ttl: s(6),
        max_stale: Some(s(4)),
        failure_backoff: Some(FailureBackoff { base: s(1), max: s(5) }),
        ..v4()
    }
}

async fn run(steps: Vec<Step>) {
    let world = Arc::new(World::new(settings(4, 2)));
    world.script.set_delay(Duration::from_millis(300));
    let mut requests = tokio::task::JoinSet::new();
    // Hosts stay when a limit is lowered, so what was held before may be more than the limit is now.
    let (mut hosts, mut negative) = (4, 2);
    for step in steps {
        match step {
            Step::Ask(name, patience) => {
                let world = Arc::clone(&world);
                requests.spawn(async move {
                    let name = format!("h{name}.example");
                    let _ = tokio::time::timeout(Duration::from_millis(patience), world.get(&name)).await;
                });
            }
            Step::Answer(name, kind) => world.script.set(
                &format!("h{name}.example"),
                match kind {
                    Kind::Found => Reply::Found(1, vec!["10.0.0.1"]),
                    Kind::Denied => Reply::Found(1, vec!["127.0.0.1"]),
                    Kind::Empty => Reply::Empty,
                    Kind::Failed => Reply::Failed,
                    Kind::Mute => Reply::Mute,
                },
            ),
            Step::Pass(time) => tokio::time::sleep(Duration::from_millis(time)).await,
            Step::Configure(new_hosts, new_negative) => {
                (hosts, negative) = (hosts.max(new_hosts), negative.max(new_negative));
                world.cache.configure(settings(new_hosts, new_negative)).unwrap();
            }
        }
        let counts = world.cache.stats().snapshot();
        assert!(counts.num_negative_hosts as usize <= negative, "{counts:?}");
        assert!((counts.num_hosts - counts.num_negative_hosts) as usize <= hosts, "{counts:?}");
        assert!(world.cache.pending_requests() <= 6);
        assert_eq!(counts.host_added - counts.host_removed, counts.num_hosts);
        assert_eq!(world.cache.hosts().len() as u64, counts.num_hosts);
    }
    // Everyone who waits is answered, at the latest when the lookup's patience ends.
    let answered = async {
        while let Some(request) = requests.join_next().await {
            request.unwrap();
        }
    };
    tokio::time::timeout(s(4), answered).await.expect("a request was forgotten");
    assert_eq!(world.cache.pending_requests(), 0);
    // And nothing stays that nobody uses.
    tokio::time::sleep(s(60)).await;
    assert_eq!(world.cache.hosts().len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_host_over_budget_and_no_waiter_forgotten(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(steps));
    }
}

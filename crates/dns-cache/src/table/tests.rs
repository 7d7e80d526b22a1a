mod ends;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_destination::Target;
use backstay_destination::lookup::{FailureBackoff, Settings};

use super::{Effect, Table};
use crate::error::LookupError;
use crate::family::Family;
use crate::host::{Host, Origin};
use crate::resolve::Answer;
use crate::stats::{Stats, StatsSnapshot};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

struct Fixture {
    table: Table,
    origin: Origin,
    now: Instant,
    stats: Arc<Stats>,
}

impl Fixture {
    fn new(settings: Settings) -> Self {
        let stats = Arc::new(Stats::default());
        let now = Instant::now();
        let origin = Origin(now);
        Self { table: Table::new(settings, origin, Arc::clone(&stats), 7), origin, now, stats }
    }

    fn join(&mut self, authority: &str) -> Result<Arc<Host>, LookupError> {
        let Ok(Target::Name(target)) = Target::parse(authority, 80) else { panic!("{authority}") };
        self.table.join(self.now, &target)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.table.advance(self.now);
    }

    /// Names that lookups began for.
    fn begun(&mut self) -> Vec<(Arc<str>, u64)> {
        let effects = self.table.take_effects();
        effects
            .into_iter()
            .filter_map(
                |effect| if let Effect::Begin { key, number, .. } = effect { Some((key, number)) } else { None },
            )
            .collect()
    }

    fn answer(&mut self, answer: Answer) {
        let begun = self.begun();
        assert_eq!(begun.len(), 1, "{begun:?}");
        let (key, number) = &begun[0];
        self.table.complete(self.now, key, *number, answer);
    }

    fn get(&self, host: &Host) -> Option<Result<Vec<String>, LookupError>> {
        let answer = host.answer(self.origin.moment(self.now))?;
        Some(answer.map(|addresses| addresses.iter().map(SocketAddr::to_string).collect()))
    }

    fn counts(&self) -> StatsSnapshot {
        self.stats.snapshot()
    }

    fn next_in(&self) -> Option<Duration> {
        self.table.next_timer().map(|time| time - self.now)
    }
}

fn found(ttl: u64) -> Answer {
    addresses(&["10.0.0.1"], ttl)
}

fn addresses(list: &[&str], ttl: u64) -> Answer {
    Answer::Addresses(list.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect(), s(ttl))
}

fn empty() -> Answer {
    Answer::Empty("nxdomain".into())
}

fn failed() -> Answer {
    Answer::Failed("servfail".into())
}

#[test]
fn first_request_begins_one_lookup_and_the_others_join() {
    let mut f = Fixture::new(Settings::default());
    let first = f.join("h.example").unwrap();
    let second = f.join("H.example.:80").unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(f.get(&first), None);
    assert_eq!(f.next_in(), Some(s(5)), "the query timeout");
    f.answer(found(6));
    assert_eq!(f.get(&first), Some(Ok(vec!["10.0.0.1:80".into()])));
    assert_eq!(f.next_in(), Some(s(6)));
    let counts = StatsSnapshot {
        dns_query_attempt: 1,
        dns_query_success: 1,
        host_added: 1,
        host_address_changed: 1,
        num_hosts: 1,
        ..StatsSnapshot::default()
    };
    assert_eq!(f.counts(), counts);
}

#[test]
fn another_port_is_another_host() {
    let mut f = Fixture::new(Settings::default());
    f.join("h.example:1").unwrap();
    f.join("h.example:2").unwrap();
    assert_eq!(f.begun().len(), 2);
}

#[test]
fn refreshes_without_traffic_until_the_host_ttl() {
    let settings = Settings { host_ttl: s(10), ..Settings::default() };
    let mut f = Fixture::new(settings);
    let host = f.join("h.example").unwrap();
    f.answer(found(0));
    for _ in 0..2 {
        f.pass(s(5));
        f.answer(found(0));
    }
    // Idle for exactly the host TTL is not longer than it; at the next refresh it is.
    f.pass(s(5));
    assert_eq!(f.begun(), []);
    assert_eq!((f.counts().host_removed, f.counts().num_hosts, f.table.next_timer()), (1, 0, None));
    assert!(f.table.index().is_empty());
    assert!(f.get(&host).unwrap().is_ok(), "whoever holds it still has its addresses");
}

#[test]
fn use_keeps_a_host() {
    let mut f = Fixture::new(Settings { host_ttl: s(3), ..Settings::default() });
    let host = f.join("h.example").unwrap();
    f.answer(found(0));
    for _ in 0..5 {
        f.pass(s(3));
        f.get(&host).unwrap().unwrap();
        f.pass(s(2));
        f.get(&host).unwrap().unwrap();
        f.answer(found(0));
    }
    assert_eq!(f.counts().host_removed, 0);
}

#[test]
fn a_failing_host_is_not_used_by_being_asked_for() {
    let settings = Settings { host_ttl: s(3), refresh_rate: s(2), min_refresh_rate: s(1), ..Settings::default() };
    let mut f = Fixture::new(settings);
    let host = f.join("h.example").unwrap();
    f.answer(empty());
    f.pass(s(2));
    f.get(&host).unwrap().unwrap_err();
    f.answer(empty());
    f.pass(s(2));
    assert_eq!((f.begun(), f.counts().host_removed), (vec![], 1));
}

#[test]
fn addresses_stay_when_later_lookups_bring_none() {
    let mut f = Fixture::new(Settings { refresh_rate: s(7), ..Settings::default() });
    let host = f.join("h.example").unwrap();
    f.answer(found(6));
    for answer in [empty(), failed(), addresses(&[], 60)] {
        f.pass(f.next_in().unwrap());
        f.answer(answer);
        assert_eq!(f.get(&host), Some(Ok(vec!["10.0.0.1:80".into()])));
        assert_eq!(f.next_in(), Some(s(7)));
    }
    f.pass(s(7));
    f.pass(s(5));
    assert_eq!(f.get(&host), Some(Ok(vec!["10.0.0.1:80".into()])), "a timeout");
    assert_eq!(f.counts().num_negative_hosts, 0);
}

#[test]
fn only_another_ordered_list_is_a_change() {
    let mut f = Fixture::new(Settings::default());
    let host = f.join("h.example").unwrap();
    f.answer(addresses(&["10.0.0.1", "10.0.0.2"], 6));
    for (list, changes) in [(["10.0.0.1", "10.0.0.2"], 1), (["10.0.0.2", "10.0.0.1"], 2), (["10.0.0.2", "10.0.0.3"], 3)]
    {
        f.pass(s(6));
        f.answer(addresses(&list, 6));
        assert_eq!(f.counts().host_address_changed, changes);
    }
    assert_eq!(f.get(&host), Some(Ok(vec!["10.0.0.2:80".into(), "10.0.0.3:80".into()])));
}

#[test]
fn a_timeout_abandons_the_lookup_and_tells_who_waits() {
    let mut f = Fixture::new(Settings::default());
    let host = f.join("h.example").unwrap();
    let (key, number) = f.begun().remove(0);
    f.pass(s(5));
    assert_eq!(f.table.take_effects(), [Effect::Abandon { number }]);
    assert_eq!(f.get(&host), Some(Err(LookupError::Failed("resolve_timeout".into()))));
    assert_eq!(f.next_in(), Some(s(60)));
    f.table.complete(f.now, &key, number, found(6));
    assert!(f.get(&host).unwrap().is_err(), "an abandoned lookup is not listened to");
    let counts = f.counts();
    assert_eq!((counts.dns_query_timeout, counts.dns_query_failure, counts.dns_query_success), (1, 1, 0));
}

#[test]
fn no_query_timeout_means_no_timer() {
    let mut f = Fixture::new(Settings { query_timeout: Duration::ZERO, ..Settings::default() });
    f.join("h.example").unwrap();
    assert_eq!(f.next_in(), None);
}

#[test]
fn failures_back_off_and_an_answer_starts_anew() {
    let backoff = FailureBackoff { base: s(2), max: s(8) };
    let settings = Settings { failure_backoff: Some(backoff), min_refresh_rate: s(1), ..Settings::default() };
    let mut f = Fixture::new(settings);
    f.join("h.example").unwrap();
    let mut waits = HashSet::new();
    for ceiling in [2, 4, 8, 8, 8] {
        f.answer(failed());
        let next = f.next_in().unwrap();
        assert!(next >= s(1) && next < s(ceiling).max(s(1) + Duration::from_nanos(1)), "{next:?} {ceiling}");
        waits.insert(next);
        f.pass(next);
    }
    assert!(waits.len() > 2, "jitter: {waits:?}");
    f.answer(empty());
    f.pass(s(60));
    f.answer(failed());
    assert!(f.next_in().unwrap() < s(2));
}

#[test]
fn a_full_cache_refuses_new_hosts_but_lets_requests_join() {
    let mut f = Fixture::new(Settings { max_hosts: 1, ..Settings::default() });
    let host = f.join("a.example").unwrap();
    assert!(Arc::ptr_eq(&host, &f.join("a.example").unwrap()));
    assert_eq!(f.join("b.example").unwrap_err(), LookupError::Overflow);
    f.answer(found(6));
    f.join("a.example").unwrap();
    assert_eq!(f.join("b.example").unwrap_err(), LookupError::Overflow);
    assert_eq!((f.counts().host_overflow, f.counts().num_hosts), (2, 1));
}

#[test]
fn names_that_fail_do_not_take_the_place_of_others() {
    let mut f = Fixture::new(Settings { max_hosts: 1, max_negative_hosts: 3, ..Settings::default() });
    let first = f.join("junk0.example").unwrap();
    f.answer(empty());
    for n in 1..100 {
        f.join(&format!("junk{n}.example")).unwrap();
        f.answer(if n % 2 == 0 { empty() } else { failed() });
    }
    let good = f.join("good.example").unwrap();
    f.answer(found(6));
    assert!(f.get(&good).unwrap().is_ok());
    assert!(f.get(&first).unwrap().is_err(), "who holds a dropped host has its answer");
    let counts = f.counts();
    assert_eq!((counts.num_hosts, counts.num_negative_hosts, counts.negative_host_evicted), (4, 3, 97));
    assert!(f.table.index().contains_key("junk99.example:80") && !f.table.index().contains_key("junk96.example:80"));
}

#[test]
fn a_host_that_recovers_needs_a_place() {
    let settings = Settings { max_hosts: 1, refresh_rate: s(2), ..Settings::default() };
    let mut f = Fixture::new(settings.clone());
    let late = f.join("late.example").unwrap();
    f.answer(empty());
    f.pass(s(2));
    f.answer(found(100));
    assert!(f.get(&late).unwrap().is_ok());
    assert_eq!((f.counts().num_negative_hosts, f.join("b.example").unwrap_err()), (0, LookupError::Overflow));

    let mut f = Fixture::new(settings);
    f.join("late.example").unwrap();
    f.answer(empty());
    f.join("b.example").unwrap();
    f.answer(found(100));
    f.pass(s(2));
    f.answer(found(100));
    assert!(!f.table.index().contains_key("late.example:80"));
    assert_eq!((f.counts().num_hosts, f.counts().host_overflow), (1, 1));
}

#[test]
fn settings_change_without_losing_entries() {
    let mut f = Fixture::new(Settings::default());
    let good = f.join("good.example").unwrap();
    f.answer(found(600));
    let bad = f.join("bad.example").unwrap();
    f.answer(empty());
    f.pass(s(10));
    f.table.configure(f.now, Settings { refresh_rate: s(15), ..Settings::default() });
    assert_eq!(f.next_in(), Some(s(5)), "from the end of the last lookup");
    assert!(f.get(&good).unwrap().is_ok() && f.get(&bad).unwrap().is_err());
    f.table.configure(
        f.now,
        Settings { max_negative_hosts: 1, max_hosts: 1, family: Family::V4Only, ..Settings::default() },
    );
    let begun = f.begun();
    assert_eq!(begun.len(), 2, "another family asks anew");
    assert!(f.get(&good).unwrap().is_ok());
    assert!(f.get(&bad).is_none(), "requests wait for the new answer");
    for (key, number) in begun {
        f.table.complete(f.now, &key, number, empty());
    }
    assert!(f.get(&good).unwrap().is_ok() && f.get(&bad).unwrap().is_err());
    assert_eq!(f.join("other.example").unwrap_err(), LookupError::Overflow);
}

#[test]
fn closing_tells_who_waits_and_takes_no_more() {
    let mut f = Fixture::new(Settings::default());
    let host = f.join("h.example").unwrap();
    f.table.close();
    assert!(f.get(&host).unwrap().is_err());
    assert!(f.join("other.example").is_err());
    assert_eq!(f.table.next_timer(), None);
    // Nobody would answer another question.
    f.table.configure(f.now, Settings { family: Family::V6Only, ..Settings::default() });
    assert!(f.get(&host).unwrap().is_err());
}

#[test]
fn budgets_hold_whatever_happens() {
    use rand::{RngExt, SeedableRng};
    let mut random = rand::rngs::SmallRng::seed_from_u64(42);
    let settings =
        Settings { max_hosts: 5, max_negative_hosts: 3, host_ttl: s(20), refresh_rate: s(3), ..Settings::default() };
    let mut f = Fixture::new(settings);
    let mut open: Vec<(Arc<str>, u64)> = Vec::new();
    for _ in 0..20_000 {
        match random.random_range(0..4) {
            0 => drop(f.join(&format!("h{}.example", random.random_range(0..20)))),
            1 if !open.is_empty() => {
                let (key, number) = open.swap_remove(random.random_range(0..open.len()));
                let answer = [found(2), empty(), failed()][random.random_range(0..3)].clone();
                f.table.complete(f.now, &key, number, answer);
            }
            _ => f.pass(Duration::from_millis(random.random_range(0..900))),
        }
        open.extend(f.begun());
        let counts = f.counts();
        assert!(counts.num_hosts - counts.num_negative_hosts <= 5 && counts.num_negative_hosts <= 3, "{counts:?}");
        assert_eq!(counts.num_hosts as usize, f.table.index().len());
        assert_eq!(counts.host_added - counts.host_removed, counts.num_hosts);
        assert_eq!(f.table.timers.len(), f.table.entries.len(), "every host has exactly one timer");
    }
    assert!(f.counts().host_removed > 100);
}

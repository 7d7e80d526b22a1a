use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_destination::lookup::Staleness;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::family::Family;
use crate::resolve::{Answer, RecordKind, Resolve, ServiceAnswer, ServiceRecord};
use crate::watch::{Member, Names, WatchSettings};

/// Answers as it is told, and remembers when it was asked for services.
struct Script {
    services: Mutex<ServiceAnswer>,
    addresses: Mutex<HashMap<&'static str, Answer>>,
    asked: Mutex<Vec<Instant>>,
}

impl Resolve for Script {
    fn query(&self, name: Arc<str>, _: RecordKind) -> BoxFuture<'_, Answer> {
        let answer = self.addresses.lock().unwrap().get(&*name).cloned();
        async { answer.unwrap_or_else(|| Answer::Empty("nxdomain".into())) }.boxed()
    }

    fn services(&self, _: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        self.asked.lock().unwrap().push(Instant::now());
        let answer = self.services.lock().unwrap().clone();
        async { answer }.boxed()
    }
}

impl Script {
    fn start(records: Vec<ServiceRecord>, ttl: u64) -> (Names, Arc<Self>) {
        let script = Arc::new(Self {
            services: Mutex::new(ServiceAnswer::Records(records, Duration::from_secs(ttl))),
            addresses: Mutex::default(),
            asked: Mutex::default(),
        });
        let settings = WatchSettings { family: Family::V4Only, ..WatchSettings::default() };
        (Names::new(settings, Arc::clone(&script) as _, Handle::current()), script)
    }

    fn set(&self, records: Vec<ServiceRecord>, ttl: u64) {
        *self.services.lock().unwrap() = ServiceAnswer::Records(records, Duration::from_secs(ttl));
    }

    fn found(&self, name: &'static str, list: &[&str], ttl: u64) {
        let addresses = list.iter().map(|text| text.parse().unwrap()).collect();
        self.addresses.lock().unwrap().insert(name, Answer::Addresses(addresses, Duration::from_secs(ttl)));
    }
}

fn record(priority: u16, weight: u16, target: &str, port: u16) -> ServiceRecord {
    ServiceRecord { priority, weight, target: target.into(), port }
}

fn shown(members: &[Member]) -> Vec<String> {
    let show = |member: &Member| {
        format!("{} {} {}:{} {}", member.priority, member.target, member.address, member.port, member.weight)
    };
    members.iter().map(show).collect()
}

#[tokio::test(start_paused = true)]
async fn records_become_members_with_their_targets_addresses() {
    let records = vec![
        record(20, 0, "spare.example", 81),
        record(10, 5, "one.example", 8080),
        record(10, 7, "two.example", 8081),
        record(30, 1, "gone.example", 80),
    ];
    let (names, script) = Script::start(records, 60);
    script.found("one.example", &["10.0.0.1", "10.0.0.2"], 60);
    script.found("two.example", &["10.0.0.3"], 60);
    script.found("spare.example", &["10.0.0.4"], 60);
    let service = names.watch_service("_http._TCP.Example.").unwrap();
    assert!(Arc::ptr_eq(&service, &names.watch_service("_http._tcp.example").unwrap()));
    service.ready().await;
    assert_eq!(
        shown(&service.members()),
        [
            "0 one.example 10.0.0.1:8080 5",
            "0 one.example 10.0.0.2:8080 5",
            "0 two.example 10.0.0.3:8081 7",
            "1 spare.example 10.0.0.4:81 1",
        ]
    );
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    assert!(names.watch_service("10.0.0.1").is_none() && names.watch_service("a b").is_none());
}

#[tokio::test(start_paused = true)]
async fn targets_and_records_change_each_in_their_own_time() {
    let (names, script) = Script::start(vec![record(0, 1, "one.example", 80)], 30);
    script.found("one.example", &["10.0.0.1"], 7);
    let start = Instant::now();
    let service = names.watch_service("_http._tcp.example").unwrap();
    service.ready().await;
    let first = service.members();
    script.found("one.example", &["10.0.0.2"], 60);
    service.changed(&first).await;
    assert_eq!((start.elapsed().as_secs(), shown(&service.members())), (7, vec!["0 one.example 10.0.0.2:80 1".into()]));
    let second = service.members();
    script.found("two.example", &["10.0.0.9"], 60);
    script.set(vec![record(0, 1, "two.example", 81)], 30);
    service.changed(&second).await;
    assert_eq!(
        (start.elapsed().as_secs(), shown(&service.members())),
        (30, vec!["0 two.example 10.0.0.9:81 1".into()])
    );
    assert_eq!(script.asked.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_learned_stays_while_lookups_fail_and_goes_on_to_be_refreshed() {
    let (names, script) = Script::start(vec![record(0, 1, "one.example", 80)], 5);
    script.found("one.example", &["10.0.0.1"], 5);
    let service = names.watch_service("_http._tcp.example").unwrap();
    service.ready().await;
    *script.services.lock().unwrap() = ServiceAnswer::Failed("servfail".into());
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(shown(&service.members()), ["0 one.example 10.0.0.1:80 1"]);
    let views = names.views();
    let view = views.iter().find(|view| &*view.name == "_http._tcp.example").unwrap();
    assert_eq!(view.last_error.as_deref(), Some("servfail"));
    script.found("one.example", &["10.0.0.7"], 5);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(shown(&service.members()), ["0 one.example 10.0.0.7:80 1"], "its addresses are followed on");
    let asked = script.asked.lock().unwrap().len();
    assert!((20..60).contains(&asked), "backs off to between 15 and 30 s: {asked}");
    assert!(names.stats().failures > 20, "of the service, not of its servers");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_once_nobody_watches() {
    let (names, script) = Script::start(vec![record(0, 1, "one.example", 80)], 1);
    script.found("one.example", &["10.0.0.1"], 1);
    let service = names.watch_service("_http._tcp.example").unwrap();
    service.ready().await;
    drop(service);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    assert!(names.views().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_gone_is_told_from_a_server_that_is() {
    let (names, script) = Script::start(vec![record(0, 1, "one.example", 80), record(0, 1, "two.example", 80)], 5);
    script.found("one.example", &["10.0.0.1"], 3);
    script.found("two.example", &["10.0.0.2"], 60);
    let service = names.watch_service("_http._tcp.example").unwrap();
    service.ready().await;
    let before = service.members();
    script.addresses.lock().unwrap().remove("one.example");
    service.changed(&before).await;
    let members = service.members();
    let gone: Vec<_> = members.iter().map(|member| member.doubt.end(Staleness::OF_ENDPOINTS).is_some()).collect();
    assert_eq!((gone, members.doubt().end(Staleness::OF_ENDPOINTS)), (vec![true, false], None));
    *script.services.lock().unwrap() = ServiceAnswer::Empty("nxdomain".into());
    let since = loop {
        service.changed(&service.members()).await;
        if let Some(since) = service.members().doubt().end(Staleness::OF_ENDPOINTS) {
            break since;
        }
    };
    assert_eq!((service.members().len(), since), (2, Instant::now()));
    script.set(vec![record(0, 1, "two.example", 80)], 5);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(service.members().doubt().end(Staleness::OF_ENDPOINTS), None);
    assert_eq!(shown(&service.members()), ["0 two.example 10.0.0.2:80 1"]);
}

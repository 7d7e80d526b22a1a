use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_destination::lookup::Staleness;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{Doubt, Names, WatchSettings};
use crate::family::Family;
use crate::resolve::{Answer, RecordKind, Resolve, ServiceAnswer, ServiceRecord};
use crate::stats::NameStats;

/// Gives its answers one by one, and the last for ever.
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Instant>>,
}

impl Resolve for Script {
    fn query(&self, _: Arc<str>, _: RecordKind) -> BoxFuture<'_, Answer> {
        self.asked.lock().unwrap().push(Instant::now());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn services(&self, _: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async { ServiceAnswer::Empty("nxdomain".into()) }.boxed()
    }
}

fn names(answers: Vec<Answer>) -> (Names, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), asked: Mutex::default() });
    let settings = WatchSettings { family: Family::V4Only, ..WatchSettings::default() };
    (Names::new(settings, Arc::clone(&script) as _, Handle::current()), script)
}

fn found(list: &[&str], ttl: u64) -> Answer {
    Answer::Addresses(list.iter().map(|text| text.parse().unwrap()).collect(), Duration::from_secs(ttl))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn follows_the_ttl() {
    let (names, script) = names(vec![
        found(&["10.0.0.2", "10.0.0.1"], 10),
        found(&["10.0.0.1", "10.0.0.2"], 0),
        found(&["10.0.0.3"], 3600),
    ]);
    let watched = names.watch("Svc.Example.").unwrap();
    let start = Instant::now();
    watched.ready().await;
    let first = watched.addresses();
    assert_eq!(**first, [ip("10.0.0.1"), ip("10.0.0.2")]);
    assert!(watched.is_ready());
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert!(Arc::ptr_eq(&first, &watched.addresses()), "another order is no change");
    watched.changed(&first).await;
    assert_eq!(start.elapsed().as_secs(), 11);
    assert_eq!(**watched.addresses(), [ip("10.0.0.3")]);
    tokio::time::sleep(Duration::from_secs(400)).await;
    let times: Vec<_> = script.asked.lock().unwrap().iter().map(|at| at.duration_since(start).as_secs()).collect();
    assert_eq!(times, [0, 10, 11, 311], "at least 1 s, at most 5 min");
}

#[tokio::test(start_paused = true)]
async fn addresses_stay_when_lookups_fail() {
    let (names, script) = names(vec![found(&["10.0.0.1"], 1), Answer::Failed("servfail".into())]);
    let watched = names.watch("svc.example").unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(**watched.addresses(), [ip("10.0.0.1")]);
    let view = &names.views()[0];
    assert_eq!((&*view.name, view.last_error.as_deref()), ("svc.example", Some("servfail")));
    let asked = script.asked.lock().unwrap().len();
    assert!((120..260).contains(&asked), "backs off to between 15 and 30 s");
    let asked = asked as u64;
    assert_eq!(names.stats(), NameStats { lookups: asked, failures: asked - 1, timeouts: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_mute_server_ends_the_wait_for_the_first_answer() {
    let (names, _) = names(vec![]);
    let watched = names.watch("svc.example").unwrap();
    let start = Instant::now();
    watched.ready().await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert!(watched.addresses().is_empty());
    assert_eq!(names.stats(), NameStats { lookups: 1, failures: 1, timeouts: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_once_for_all_and_no_longer_than_it_is_watched() {
    let (names, script) = names(vec![found(&["10.0.0.1"], 1)]);
    let (one, two) = (names.watch("svc.example").unwrap(), names.watch("SVC.example").unwrap());
    assert!(Arc::ptr_eq(&one, &two));
    one.ready().await;
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    drop((one, two));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    assert!(names.views().is_empty());
    assert!(names.watch("not a name").is_none() && names.watch("").is_none());
}

/// Does not survive its first questions.
struct Fragile(Arc<Script>);

impl Resolve for Fragile {
    fn query(&self, name: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer> {
        let question = self.0.query(name, kind);
        let falls = self.0.asked.lock().unwrap().len() <= 2;
        async move { if falls { std::panic::resume_unwind(Box::new("hostile")) } else { question.await } }.boxed()
    }

    fn services(&self, name: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async move {
            let record = ServiceRecord { priority: 0, weight: 1, target: "server.example".into(), port: 80 };
            match self.query(name, RecordKind::A).await {
                Answer::Addresses(_, ttl) => ServiceAnswer::Records(vec![record], ttl),
                Answer::Empty(reason) | Answer::Failed(reason) => ServiceAnswer::Failed(reason),
            }
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_panics_ends_no_watch() {
    for is_service in [false, true] {
        let script =
            Arc::new(Script { answers: Mutex::new([found(&["10.0.0.1"], 3)].into()), asked: Mutex::default() });
        let settings = WatchSettings { family: Family::V4Only, ..WatchSettings::default() };
        let names = Names::new(settings, Arc::new(Fragile(script)), Handle::current());
        if is_service {
            let service = names.watch_service("_http._tcp.example").unwrap();
            service.ready().await;
            assert_eq!(names.views()[0].last_error.as_deref(), Some("resolver_error"));
            service.changed(&service.members()).await;
            assert_eq!(service.members()[0].address, ip("10.0.0.1"));
        } else {
            let watched = names.watch("h.example").unwrap();
            watched.ready().await;
            assert_eq!(names.views()[0].last_error.as_deref(), Some("resolver_error"));
            watched.changed(&watched.addresses()).await;
            assert_eq!(**watched.addresses(), [ip("10.0.0.1")]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_name_is_gone_is_told_from_not_knowing() {
    let none = || Answer::Empty("nxdomain".into());
    let failed = || Answer::Failed("servfail".into());
    let (names, _) = names(vec![found(&["10.0.0.1"], 1), failed(), none(), failed(), found(&["10.0.0.1"], 60)]);
    let watched = names.watch("svc.example").unwrap();
    watched.ready().await;
    let staleness = |stale, absent| Staleness {
        max_stale: Option::<u64>::map(stale, Duration::from_secs),
        max_absent: Option::<u64>::map(absent, Duration::from_secs),
    };
    let certain = watched.addresses();
    assert_eq!(certain.doubt(), Doubt::default());
    watched.changed(&certain).await;
    let (failing, since_failing) = (watched.addresses(), Instant::now());
    assert_eq!(**failing, [ip("10.0.0.1")]);
    assert_eq!(failing.doubt().end(Staleness::OF_ENDPOINTS), None, "a failure takes no address away");
    assert_eq!(failing.doubt().end(staleness(Some(9), Some(0))), Some(since_failing + Duration::from_secs(9)));
    watched.changed(&failing).await;
    let (gone, since_gone) = (watched.addresses(), Instant::now());
    assert!(since_gone > since_failing);
    for (of, end) in [
        (Staleness::OF_ENDPOINTS, Some(since_gone)),
        (staleness(Some(0), None), Some(since_failing)),
        (staleness(None, Some(7)), Some(since_gone + Duration::from_secs(7))),
        (staleness(Some(1000), Some(7)), Some(since_gone + Duration::from_secs(7))),
        (staleness(None, None), None),
    ] {
        assert_eq!(gone.doubt().end(of), end, "{of:?}");
    }
    // The failure in between has taken nothing back; addresses do.
    watched.changed(&gone).await;
    assert_eq!(*watched.addresses(), *certain);
}

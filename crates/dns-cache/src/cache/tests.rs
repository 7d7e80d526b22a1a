use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_destination::Target;
use backstay_destination::lookup::Settings;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{Cache, Found};
use crate::error::LookupError;
use crate::family::Family;
use crate::resolve::{Answer, RecordKind, Resolve, ServiceAnswer};

/// Answers after a delay; a name without an answer is never answered.
#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<&'static str, Answer>>,
    delay: Duration,
    asked: Mutex<Vec<(Arc<str>, Instant)>>,
    dropped: AtomicUsize,
}

struct Dropped<'a>(&'a AtomicUsize);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Resolve for Script {
    fn query(&self, name: Arc<str>, _: RecordKind) -> BoxFuture<'_, Answer> {
        self.asked.lock().unwrap().push((Arc::clone(&name), Instant::now()));
        let answer = self.answers.lock().unwrap().get(&*name).cloned();
        async move {
            let _dropped = Dropped(&self.dropped);
            tokio::time::sleep(self.delay).await;
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

impl Script {
    fn new(delay: Duration, names: &[&'static str]) -> Arc<Self> {
        let answer = Answer::Addresses(vec!["10.0.0.1".parse().unwrap()], Duration::from_secs(60));
        let answers = names.iter().map(|name| (*name, answer.clone())).collect();
        Arc::new(Self { answers: Mutex::new(answers), delay, ..Self::default() })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn cache(settings: Settings, script: &Arc<Script>) -> Arc<Cache> {
    let resolver: Arc<dyn Resolve> = Arc::clone(script) as _;
    Arc::new(Cache::new(Settings { family: Family::V4Only, ..settings }, resolver, &Handle::current()).unwrap())
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn many_requests_one_lookup() {
    let script = Script::new(SECOND, &["h.example"]);
    let cache = cache(Settings::default(), &script);
    let requests = (0..50).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.lookup("h.example", 443).await })
    });
    for request in futures::future::join_all(requests).await {
        assert_eq!(request.unwrap().unwrap()[..], ["10.0.0.1:443".parse().unwrap()]);
    }
    assert_eq!((script.asked(), cache.pending_requests()), (1, 0));
    let Found::Known(Ok(_)) = cache.find(&Target::parse("H.example.:443", 80).unwrap()) else {
        panic!("a hit does not wait")
    };
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_away_leaves_its_place_and_the_lookup() {
    let script = Script::new(SECOND, &["h.example"]);
    let cache = cache(Settings { max_pending_requests: 1, ..Settings::default() }, &script);
    let Found::Pending(waiting) = cache.find(&Target::parse("h.example", 80).unwrap()) else { panic!() };
    assert_eq!(cache.pending_requests(), 1);
    let refused = cache.lookup("other.example", 80).await.unwrap_err();
    assert_eq!(
        (refused.status(), refused.body(), &*refused.details(), refused.flag()),
        (503, "Dynamic forward proxy pending request overflow", "dynamic_forward_proxy_pending_request_overflow", None,)
    );
    drop(waiting);
    assert_eq!(cache.pending_requests(), 0);
    tokio::time::sleep(2 * SECOND).await;
    assert!(matches!(cache.find(&Target::parse("h.example", 80).unwrap()), Found::Known(Ok(_))));
    assert_eq!((script.asked(), cache.stats().snapshot().dns_rq_pending_overflow), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_known_host_is_served_while_no_more_may_wait() {
    let script = Script::new(SECOND, &["h.example"]);
    let cache =
        cache(Settings { max_pending_requests: 1, query_timeout: Duration::ZERO, ..Settings::default() }, &script);
    cache.lookup("h.example", 80).await.unwrap();
    let Found::Pending(_waiting) = cache.find(&Target::parse("mute.example", 80).unwrap()) else { panic!() };
    cache.lookup("h.example", 80).await.unwrap();
    cache.lookup("10.0.0.9", 80).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_timeout_spans_the_whole_family_sequence_and_drops_the_question() {
    let script = Script::new(Duration::ZERO, &[]);
    let cache = cache(Settings::default(), &script);
    cache.configure(Settings { family: Family::StrictAuto, ..Settings::default() }).unwrap();
    let start = Instant::now();
    let error = cache.lookup("mute.example", 80).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(
        (error.status(), error.body(), &*error.details(), error.flag()),
        (503, "DNS resolution failure", "dns_resolution_failure{resolve_timeout}", Some("DF"),)
    );
    tokio::task::yield_now().await;
    assert_eq!(script.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(cache.lookup("mute.example", 80).await.unwrap_err(), error, "known at once");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn refreshes_run_on_their_own() {
    let script = Script::new(Duration::ZERO, &[]);
    let answer = Answer::Addresses(vec!["10.0.0.1".parse().unwrap()], Duration::ZERO);
    script.answers.lock().unwrap().insert("h.example", answer);
    let cache = cache(Settings { host_ttl: Duration::from_secs(12), ..Settings::default() }, &script);
    let start = Instant::now();
    cache.lookup("h.example", 80).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let times: Vec<_> = script.asked.lock().unwrap().iter().map(|(_, at)| at.duration_since(start).as_secs()).collect();
    assert_eq!(times, [0, 5, 10], "and at 15 it is dropped");
    assert!(cache.hosts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_cache_ends_lookups_and_waiters() {
    let script = Script::new(Duration::ZERO, &[]);
    let cache = cache(Settings { query_timeout: Duration::ZERO, ..Settings::default() }, &script);
    let Found::Pending(waiting) = cache.find(&Target::parse("mute.example", 80).unwrap()) else { panic!() };
    let waiter = tokio::spawn(waiting.wait());
    tokio::time::sleep(SECOND).await;
    assert_eq!(script.asked(), 1);
    drop(cache);
    assert_eq!(waiter.await.unwrap().unwrap_err(), LookupError::Failed("cache_closed".into()));
    tokio::time::sleep(SECOND).await;
    assert_eq!(script.dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn waiters_do_not_outlive_the_runtime() {
    let control = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let script = Script::new(Duration::ZERO, &[]);
    let settings = Settings { query_timeout: Duration::ZERO, ..Settings::default() };
    let cache = Cache::new(settings, script as _, control.handle()).unwrap();
    let Found::Pending(waiting) = cache.find(&Target::parse("mute.example", 80).unwrap()) else { panic!() };
    drop(control);
    let data = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(data.block_on(waiting.wait()).is_err());
    assert!(data.block_on(cache.lookup("other.example", 80)).is_err());
}

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let script = Script::new(Duration::ZERO, &[]);
    let zero = Settings { max_hosts: 0, ..Settings::default() };
    let error = Cache::new(zero, Arc::clone(&script) as _, &Handle::current()).unwrap_err();
    assert_eq!(error.to_string(), "max_hosts must be at least 1");
    let cache = cache(Settings::default(), &script);
    let fast = Settings { min_refresh_rate: Duration::from_millis(999), ..Settings::default() };
    assert_eq!(cache.configure(fast).unwrap_err().to_string(), "min_refresh_rate must be at least 1s");
    assert_eq!(cache.settings().min_refresh_rate, Duration::from_secs(5));
}

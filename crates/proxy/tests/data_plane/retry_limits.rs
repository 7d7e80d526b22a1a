//! How many retries there may be at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_balancer::{Limit, RetryBudget, RetryPolicy};
use backstay_model::Retry;
use backstay_proxy::server::Options;
use backstay_upstream::Backend;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::support::{
    ANY_PORT, Answer, BackendOf, LogLines, Proxy, Routes, Upstream, access_log, ask, socket, to, until,
};

/// An upstream that fails the first request for each path below `/fails`, and holds all others until it is let go.
struct Held {
    _upstream: Upstream,
    proxy: Proxy,
    backend: Arc<Backend>,
    /// What bounds its retries.
    limit: Limit,
    lines: LogLines,
    gate: Arc<Semaphore>,
}

impl Held {
    async fn start(limit: Limit, change: impl FnOnce(&mut BackendOf)) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let (held, failed) = (Arc::clone(&gate), Arc::new(Mutex::new(HashSet::new())));
        let upstream = Upstream::http1(move |request: Request<hyper::body::Incoming>| {
            let path = request.uri().path().to_owned();
            let fails = path.starts_with("/fails") && failed.lock().unwrap().insert(path);
            let held = Arc::clone(&held);
            async move {
                if !fails {
                    held.acquire().await.unwrap().forget();
                }
                let status = if fails { 503 } else { 200 };
                Response::builder().status(status).body(Full::<Bytes>::default()).unwrap()
            }
        })
        .await;
        let policy = RetryPolicy {
            on: RetryPolicy::conditions(["5xx"]).unwrap(),
            back_off_base: Duration::from_millis(1),
            ..RetryPolicy::default()
        };
        let mut backend = BackendOf::http1(&[upstream.address]);
        backend.policy.retries = Some(Retry { policy, ..Retry::default() });
        change(&mut backend);
        let backend = backend.build();
        let (log, lines) = access_log();
        let options = Options { access_log: Some(log), ..Options::default() };
        let table = Routes::all(to(&backend, upstream.address.port()));
        let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
        Self { _upstream: upstream, proxy, backend, limit, lines, gate }
    }

    fn ask(&self, path: &str) -> JoinHandle<Answer> {
        tokio::spawn(ask(self.proxy.address, Request::get(path)))
    }

    fn active(&self, limit: Limit) -> u32 {
        self.backend.breakers.active(limit)
    }

    /// The status that a client sees, the flags of it, and how often a retry was refused so far.
    async fn outcome(&self, asked: JoinHandle<Answer>) -> (u16, String, u64) {
        let status = asked.await.unwrap().status.as_u16();
        let flags = self.lines.next()["flags"].as_str().unwrap().to_owned();
        (status, flags, self.backend.breakers.overflows(self.limit))
    }
}

fn overflow(times: u64) -> (u16, String, u64) {
    (503, "UO".to_owned(), times)
}

fn good(refused: u64) -> (u16, String, u64) {
    (200, "-".to_owned(), refused)
}

#[tokio::test]
async fn a_retry_beyond_the_limit_is_not_made_and_its_place_comes_back() {
    let held = Held::start(Limit::Retries, |backend| backend.limits.retries = Some(1)).await;
    let first = held.ask("/fails/1");
    until(|| held.active(Limit::Retries) == 1).await;
    assert_eq!(held.outcome(held.ask("/fails/2")).await, overflow(1));
    held.gate.add_permits(1);
    assert_eq!(held.outcome(first).await, good(1));
    until(|| held.active(Limit::Retries) == 0).await;
    held.gate.add_permits(1);
    assert_eq!(held.outcome(held.ask("/fails/3")).await, good(1));
}

#[tokio::test]
async fn a_budget_grows_and_shrinks_with_the_requests_under_way() {
    let budget = RetryBudget { percent: 20.0, minimum: 0 };
    let held = Held::start(Limit::RetryBudget, |backend| backend.limits.retry_budget = Some(budget)).await;
    let mut under_way: Vec<_> = (0..3).map(|_| held.ask("/held")).collect();
    until(|| held.active(Limit::Requests) == 3).await;
    // A fifth of the three and the one that asks for it is none.
    assert_eq!(held.outcome(held.ask("/fails/1")).await, overflow(1));

    under_way.push(held.ask("/held"));
    until(|| held.active(Limit::Requests) == 4).await;
    let retried = held.ask("/fails/2");
    until(|| held.active(Limit::Requests) == 5 && held.active(Limit::Retries) == 1).await;
    // One is in use, and a fifth of six is one.
    assert_eq!(held.outcome(held.ask("/fails/3")).await, overflow(2));
    held.gate.add_permits(5);
    under_way.push(retried);
    for asked in under_way {
        assert_eq!(held.outcome(asked).await, good(2));
    }
    until(|| held.active(Limit::Requests) == 0 && held.active(Limit::Retries) == 0).await;
    assert_eq!(held.outcome(held.ask("/fails/4")).await, overflow(3));
}

#[tokio::test]
async fn a_budget_has_a_minimum() {
    let budget = RetryBudget { percent: 0.0, minimum: 1 };
    let held = Held::start(Limit::RetryBudget, |backend| backend.limits.retry_budget = Some(budget)).await;
    let first = held.ask("/fails/1");
    until(|| held.active(Limit::Retries) == 1).await;
    assert_eq!(held.outcome(held.ask("/fails/2")).await, overflow(1));
    held.gate.add_permits(1);
    assert_eq!(held.outcome(first).await, good(1));
}

//! How long a retry waits, when the upstream says when it may come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_balancer::{Limit, RetryPolicy};
use backstay_model::Retry;
use backstay_upstream::Backend;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::support::{Answer, BackendOf, Proxy, Routes, Upstream, ask, to};

const HOUR: Duration = Duration::from_secs(3600);
const MILLISECOND: Duration = Duration::from_millis(1);

struct Busy {
    upstream: Upstream,
    backend: Arc<Backend>,
    asked: Arc<AtomicUsize>,
}

impl Busy {
    /// Says with `status` and these headers that it is busy, and answers from the second request on. Left to itself, the
    /// proxy waits for up to `base`.
    async fn upstream(
        status: u16,
        headers: &[(&'static str, &'static str)],
        base: Duration,
        longest: Option<Duration>,
    ) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, headers) = (Arc::clone(&asked), headers.to_vec());
        let upstream = Upstream::http1(move |_| {
            let mut answer = Response::builder();
            if count.fetch_add(1, SeqCst) == 0 {
                answer =
                    headers.iter().fold(answer.status(status), |answer, (name, value)| answer.header(*name, *value));
            }
            let answer = answer.body(Full::<Bytes>::default()).unwrap();
            async { answer }
        })
        .await;
        let policy = RetryPolicy {
            on: RetryPolicy::conditions(["5xx", "retriable-status-codes"]).unwrap(),
            retriable_statuses: vec![429],
            back_off_base: base,
            back_off_max: Some(base),
            max_retry_after: longest,
            ..RetryPolicy::default()
        };
        let mut backend = BackendOf::http1(&[upstream.address]);
        backend.policy.retries = Some(Retry { policy, ..Retry::default() });
        Self { upstream, backend: backend.build(), asked }
    }

    /// What a client is told that waits for so long.
    async fn ask(&self, within: Option<Duration>) -> Answer {
        let mut forward = to(&self.backend, self.upstream.address.port());
        forward.request_timeout = within;
        ask(Proxy::start(Routes::all(forward)).await.address, Request::get("/")).await
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_takes_the_place_of_the_back_off() {
    for (status, wait) in [(503, "0"), (503, " 0\t"), (503, "1"), (429, "0")] {
        let busy = Busy::upstream(status, &[("retry-after", wait)], HOUR, Some(HOUR)).await;
        assert_eq!(busy.ask(None).await.status, 200, "{wait:?}");
        assert_eq!(busy.asked.load(SeqCst), 2, "{wait:?}");
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_to() {
    let busy = Busy::upstream(503, &[("retry-after", "3600")], MILLISECOND, Some(HOUR)).await;
    let answer = busy.ask(Some(Duration::from_millis(200))).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (504, "upstream request timeout"));
    assert_eq!(busy.asked.load(SeqCst), 1);
    assert_eq!(busy.backend.breakers.active(Limit::Retries), 0);
}

#[tokio::test]
async fn what_asks_for_too_much_or_for_nothing_leaves_the_back_off() {
    let ages = HOUR * 24 * 365 * 1000;
    for (wait, longest) in [
        ("3601", Some(HOUR)),
        ("3600", None),
        ("99999999999999999999999", Some(ages)),
        ("-1", Some(ages)),
        ("3600.5", Some(ages)),
        ("3600, 3600", Some(ages)),
        ("an hour", Some(ages)),
        ("", Some(ages)),
        // Two clocks would have to agree.
        ("Fri, 31 Dec 2100 23:59:59 GMT", Some(ages)),
    ] {
        let busy = Busy::upstream(503, &[("retry-after", wait)], MILLISECOND, longest).await;
        assert_eq!(busy.ask(None).await.status, 200, "{wait:?}");
        assert_eq!(busy.asked.load(SeqCst), 2, "{wait:?}");
    }
}

#[tokio::test]
async fn who_is_asked_too_often_is_not_asked_again() {
    let headers = [("retry-after", "0"), ("x-envoy-ratelimited", "true")];
    let busy = Busy::upstream(429, &headers, MILLISECOND, Some(HOUR)).await;
    let answer = busy.ask(None).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "0"));
    assert_eq!(busy.asked.load(SeqCst), 1);
}

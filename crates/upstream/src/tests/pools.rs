//! What a pool does with the connections that it opens.

use std::rc::Rc;
use std::time::Duration;

use backstay_balancer::Limits;
use backstay_http1::RequestBody as _;
use backstay_model::Protocol;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::memory::{Body, InMemory, Memory, backend, upstream};
use crate::{ConnectError, Discovery, Lease, Origin, Pending, Pool, Reuse, Upstream, uptime};

/// The pool of the only endpoint.
fn pool(upstream: &Upstream<InMemory>) -> Rc<Pool<InMemory>> {
    upstream.select(0, 80, None, &[]).unwrap().1
}

async fn open(pool: &Rc<Pool<InMemory>>) -> Result<Lease<InMemory>, ConnectError> {
    pool.open(&Rc::<Pending>::default(), Reuse::Allowed).await
}

/// Sends a request on `lease` that connection number `at` answers, and reads the answer to its end.
async fn exchange(lease: Lease<InMemory>, memory: &Memory, at: usize) {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    let mut far = memory.opened.borrow_mut().remove(at);
    let mut request = Request::new(Body::empty());
    let mut interim = |_| ();
    let (answer, ()) = tokio::join!(lease.send(&mut request, &mut interim), async {
        let mut read = vec![0; REQUEST.len()];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(read, REQUEST);
        far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    memory.opened.borrow_mut().insert(at, far);
    let (response, mut incoming) = answer.unwrap();
    assert_eq!(response.status(), 204);
    assert!(incoming.is_end_stream());
    incoming.done();
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again_when_its_answer_has_been_read() {
    let work = async {
        let backend = backend(Protocol::Http1, &Limits::default());
        let (_upstreams, upstream, memory) = upstream(&backend);
        let pool = pool(&upstream);
        assert!(pool.reuse().is_none());
        let lease = open(&pool).await.unwrap();
        assert_eq!(lease.origin, Origin::Opened);
        exchange(lease, &memory, 0).await;
        let lease = pool.reuse().unwrap();
        assert_eq!(lease.origin, Origin::Kept);
        exchange(lease, &memory, 0).await;
        assert_eq!(memory.opened.borrow().len(), 1);
        assert_eq!(backend.metrics.connections.get(), 1);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_answer_is_not_read_is_closed() {
    let work = async {
        let backend = backend(Protocol::Http1, &Limits::default());
        let (_upstreams, upstream, memory) = upstream(&backend);
        let pool = pool(&upstream);
        let lease = open(&pool).await.unwrap();
        assert_eq!(backend.metrics.connections.get(), 1);
        drop(lease);
        assert!(pool.reuse().is_none());
        assert_eq!(backend.metrics.connections.get(), 0);
        let mut far = memory.opened.borrow_mut().remove(0);
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_beyond_the_limit_gets_the_connection_of_the_one_before_it() {
    let work = async {
        let limits = Limits { connections: Some(1), ..Limits::default() };
        let backend = backend(Protocol::Http1, &limits);
        let (_upstreams, upstream, memory) = upstream(&backend);
        let pool = pool(&upstream);
        let first = open(&pool).await.unwrap();
        let second = tokio::task::spawn_local({
            let pool = Rc::clone(&pool);
            async move { open(&pool).await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        exchange(first, &memory, 0).await;
        let second = second.await.unwrap().unwrap();
        assert_eq!(second.origin, Origin::Kept);
        exchange(second, &memory, 0).await;
        assert_eq!(memory.opened.borrow().len(), 1);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_unused_for_too_long_is_closed() {
    let work = async {
        let backend = backend(Protocol::Http1, &Limits::default());
        let (upstreams, upstream, memory) = upstream(&backend);
        let pool = pool(&upstream);
        exchange(open(&pool).await.unwrap(), &memory, 0).await;
        let almost = backend.timeouts.idle - Duration::from_millis(1);
        upstreams.sweep(Instant::now() + almost);
        assert_eq!(backend.metrics.connections.get(), 1);
        upstreams.sweep(Instant::now() + backend.timeouts.idle);
        assert_eq!(backend.metrics.connections.get(), 0);
        assert_eq!(backend.metrics.connections_retired.idle.get(), 1);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn connections_to_an_endpoint_that_is_out_of_use_are_closed() {
    let work = async {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let backend = backend(protocol, &Limits::default());
            let (upstreams, upstream, memory) = upstream(&backend);
            let pool = pool(&upstream);
            match protocol {
                Protocol::Http1 => exchange(open(&pool).await.unwrap(), &memory, 0).await,
                Protocol::Http2 => drop(open(&pool).await.unwrap()),
            }
            upstreams.sweep(Instant::now());
            assert!(pool.reuse().is_some_and(|lease| {
                lease.cancel();
                true
            }));
            let Discovery::Addresses(list) = &backend.discovery else { unreachable!() };
            let endpoints = list.load_full();
            endpoints.set().state(0).unwrap().set_failed_check(true, uptime());
            upstreams.sweep(Instant::now());
            assert!(pool.reuse().is_none(), "{protocol:?}");
            assert_eq!(backend.metrics.connections_retired.unhealthy.get(), 1, "{protocol:?}");
        }
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_cannot_be_reached_is_told_to_who_asked_and_noted() {
    let work = async {
        let backend = backend(Protocol::Http1, &Limits::default());
        let (_upstreams, upstream, memory) = upstream(&backend);
        memory.fails.set(true);
        let error = open(&pool(&upstream)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Io(_)));
        assert_eq!(backend.metrics.connect_failures.refused.get(), 1);
        let noted = backend.last_errors().failed_connection().unwrap();
        assert_eq!(noted.address, "192.0.2.1:80".parse().unwrap());
        assert!(noted.advice.unwrap().starts_with("nothing listens there"));
        // As long as none can be opened.
        let failing = || backend.last_errors().failing("192.0.2.1".parse().unwrap(), None).map(|failing| failing.times);
        assert_eq!(failing(), Some(1));
        open(&pool(&upstream)).await.unwrap_err();
        assert_eq!(failing(), Some(2));
        memory.fails.set(false);
        open(&pool(&upstream)).await.unwrap();
        assert_eq!(failing(), None);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn requests_share_a_connection_of_http_2() {
    let work = async {
        let backend = backend(Protocol::Http2, &Limits::default());
        let (_upstreams, upstream, memory) = upstream(&backend);
        let pool = pool(&upstream);
        let first = open(&pool).await.unwrap();
        let second = pool.reuse().unwrap();
        assert_eq!((first.origin, second.origin), (Origin::Opened, Origin::Kept));
        assert_eq!(memory.opened.borrow().len(), 1);
        assert_eq!(backend.metrics.connections.get(), 1);
    };
    LocalSet::new().run_until(work).await;
}

//! Copies of requests, whose answers nobody sees.

use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use http::Request;
use http::request::Parts;

use super::aim::fits;
use super::headers::HopByHop;
use super::request_state::RequestState;
use super::{attempt, head, loops};
use crate::body::{RequestBody, tap};
use crate::config::Mirror;
use crate::data_thread::DataThread;
use crate::exchange::Exchange;

/// How long a copy may take, its answer included.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Copies a request to `mirror`, if the dice say so. The copy runs on its own: neither its failure nor its slowness reaches
/// the request.
pub(super) fn copy(exchange: &Exchange, mirror: &Mirror, parts: &Parts, hop: &HopByHop, body: &mut RequestBody) {
    let thread = &exchange.client.thread;
    if thread.random_below(u64::from(mirror.denominator.get())) >= u64::from(mirror.numerator) {
        return;
    }
    // A copy cannot change protocols: nobody would speak the new one.
    let dropped = &thread.shared.metrics.mirrors_dropped;
    if hop.upgrade.is_some() {
        return dropped.upgrade.increment(1);
    }
    let Some(running) = Running::count(thread) else { return dropped.max_mirrors.increment(1) };
    let mut parts = parts.clone();
    if loops::pass(&mirror.backend, &mut parts.headers).is_err() {
        return dropped.failed.increment(1);
    }
    if let Some(trace) = &exchange.trace {
        trace.copied(&mut parts.headers);
    }
    let mut fate = None;
    let copied = if body.is_empty() {
        RequestBody::empty()
    } else {
        let (tap, tapped) = tap(thread.shared.limits.mirror_buffer);
        body.tap(tap);
        fate = Some(tapped.fate());
        RequestBody::tapped(tapped)
    };
    let hop = HopByHop { upgrade: None, trailers: hop.trailers, chunked: hop.chunked };
    head::rewrite_host(&mut parts, &mirror.backend);
    let authority = RequestState::authority(&mirror.backend, &parts);
    let state = RequestState::new(&mirror.backend, (mirror.port, authority), false, &parts, &copied, None, None);
    let Some(()) = head::address(&mut parts, &hop, &mirror.backend) else { return };
    if !fits(&mirror.backend, &thread.shared.limits, &parts) {
        return thread.shared.metrics.mirrors_dropped.failed.increment(1);
    }
    let mut request = Request::from_parts(parts, copied);
    let upstream = thread.upstreams.get(&mirror.backend, || thread.random());
    let thread = Rc::clone(thread);
    tokio::task::spawn_local(async move {
        let work = async {
            let mut answer = attempt::run(&state, &upstream, 0, &mut request).await.ok()?;
            while let Some(frame) = poll_fn(|cx| answer.incoming.poll_frame(cx)).await {
                frame.ok()?;
            }
            answer.incoming.done();
            Some(())
        };
        let dropped = &thread.shared.metrics.mirrors_dropped;
        match tokio::time::timeout(TIMEOUT, work).await {
            Ok(Some(())) => {}
            Ok(None) if fate.is_some_and(|fate| fate.has_overflowed()) => dropped.buffer.increment(1),
            Ok(None) => dropped.failed.increment(1),
            Err(_) => dropped.timeout.increment(1),
        }
        drop(running);
    });
}

/// A copy in flight.
pub(super) struct Running(Rc<DataThread>);

impl Running {
    /// `None` where there are as many as there may be.
    pub(super) fn count(thread: &Rc<DataThread>) -> Option<Self> {
        let running = thread.mirrors.get();
        if running >= thread.shared.limits.max_mirrors {
            return None;
        }
        thread.mirrors.set(running + 1);
        Some(Self(Rc::clone(thread)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.mirrors.set(self.0.mirrors.get() - 1);
    }
}

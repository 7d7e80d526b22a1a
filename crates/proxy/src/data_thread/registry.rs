//! Connections of a thread, as the sweep and a drain see them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::socket::CurrentSocket;
use crate::activity::{Activity, Phase, Progress};
use crate::limits::Limits;
use backstay_model::ClientLimits;
use backstay_upstream::uptime;

/// What a connection has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Go on.
    Serve,
    /// Finish the requests in flight and close.
    Finish,
    /// Close now, for this reason.
    Cut(Phase),
}

/// How long a drain waits for the head of a request on a connection that has sent none, or not all of it.
const LAST_HEAD: Duration = Duration::from_secs(1);

/// How long an HTTP/2 connection may stay open that was told to end because it was idle.
const GOODBYE: Duration = Duration::from_secs(5);

/// All connections of a thread.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    entries: RefCell<HashMap<u64, Entry>>,
    next: Cell<u64>,
    closing: Cell<bool>,
    /// No more is wanted on the connections that there are, although more are taken.
    leaving: Cell<bool>,
    /// The thread ends: what is still under way does too.
    ended: Cell<bool>,
    tunnels: Cell<usize>,
    emptied: Notify,
}

#[derive(Debug)]
struct Entry {
    activity: Arc<Activity>,
    link: Rc<Link>,
    socket: Weak<CurrentSocket>,
    /// What its socket allowed when it was opened, where that is not what all do.
    limits: Option<Arc<ClientLimits>>,
    progress: Progress,
    since: Instant,
    /// The connection was told to end because it was idle.
    dismissed: bool,
}

impl Entry {
    /// A connection that is about to send a request may: it is told with the answer.
    fn finish(&self) {
        if self.activity.progress(uptime()).0 != Phase::Head {
            self.link.tell(Signal::Finish);
        }
    }
}

/// What a connection's task and the registry share.
#[derive(Debug)]
struct Link {
    signal: Cell<Signal>,
    waker: RefCell<Option<Waker>>,
}

impl Link {
    fn tell(&self, signal: Signal) {
        if !matches!(self.signal.get(), Signal::Cut(_)) {
            self.signal.set(signal);
        }
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// A connection's entry in the registry, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Membership {
    registry: Rc<Registry>,
    id: u64,
    link: Rc<Link>,
}

impl Registry {
    /// Whether connections are to take no more requests than those that are under way.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get() || self.leaving.get()
    }

    /// Whether connections are to end, those that have yet to send a request included.
    pub(crate) fn is_draining(&self) -> bool {
        self.closing.get()
    }

    /// Has clients go elsewhere, without losing any of what they send: those of HTTP/1.1 are told with the next answer, those of HTTP/2 at
    /// once, since what they begin meanwhile is answered, or with their first request. Or has them stay, those that come from now on.
    pub(crate) fn leave(&self, leaving: bool) {
        self.leaving.set(leaving);
        if leaving {
            let entries = self.entries.borrow();
            entries.values().filter(|entry| entry.activity.is_multiplexed()).for_each(Entry::finish);
        }
    }

    /// Whether the thread has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// The thread ends.
    pub(crate) fn end(&self) {
        self.ended.set(true);
    }

    /// Counts a connection that became a tunnel, for as long as the result lives.
    pub(crate) fn tunnel(self: &Rc<Self>) -> Tunnel {
        self.tunnels.set(self.tunnels.get() + 1);
        Tunnel(Rc::clone(self))
    }

    fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty() && self.tunnels.get() == 0
    }

    fn report(&self) {
        if self.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Finishes all connections, those still to come included.
    pub(crate) fn close_all(&self) {
        self.closing.set(true);
        self.entries.borrow().values().for_each(Entry::finish);
    }

    /// Finishes the connections that came from `socket`.
    pub(crate) fn close_socket(&self, socket: &Rc<CurrentSocket>) {
        let entries = self.entries.borrow();
        let of_socket = entries.values().filter(|entry| std::ptr::eq(entry.socket.as_ptr(), Rc::as_ptr(socket)));
        of_socket.for_each(Entry::finish);
    }

    /// Ends when there is neither a connection nor a tunnel.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Cuts connections that have not moved for longer than their phase allows, and has those park that have not since the last
    /// time. Those of HTTP/2 that are idle are told first: what a client begins meanwhile is not lost. Returns how many were idle for
    /// too long.
    pub(crate) fn sweep(&self, now: Instant, limits: &Limits) -> u64 {
        let mut idle = 0;
        let uptime = uptime();
        for entry in self.entries.borrow_mut().values_mut() {
            let progress = entry.activity.progress(uptime);
            if progress != entry.progress && !matches!(progress.0, Phase::Late | Phase::TooLong) {
                entry.dismissed &= progress.0 == Phase::Idle;
                entry.progress = progress;
                entry.since = now;
                continue;
            }
            let own = |limit: fn(&ClientLimits) -> Option<Duration>| entry.limits.as_deref().and_then(limit);
            let header = || own(|own| own.header_timeout).unwrap_or(limits.header_timeout);
            let allowed = match progress.0 {
                Phase::Idle if entry.dismissed => GOODBYE,
                Phase::Idle => own(|own| own.idle_timeout).unwrap_or(limits.idle_timeout),
                Phase::Head if self.closing.get() => header().min(LAST_HEAD),
                Phase::Head => header(),
                Phase::Busy => limits.stream_idle_timeout,
                Phase::Late | Phase::TooLong => Duration::ZERO,
            };
            if now.duration_since(entry.since) >= allowed {
                if progress.0 == Phase::Idle && !entry.dismissed {
                    idle += 1;
                    if entry.activity.is_multiplexed() {
                        entry.dismissed = true;
                        entry.since = now;
                        entry.link.tell(Signal::Finish);
                        continue;
                    }
                }
                entry.activity.cut(progress.0);
                entry.link.tell(Signal::Cut(progress.0));
            } else if progress.0 == Phase::Idle && entry.activity.ask_to_park() {
                entry.link.wake();
            }
        }
        idle
    }

    /// Makes a connection known.
    pub(crate) fn join(self: &Rc<Self>, activity: &Arc<Activity>, socket: &Rc<CurrentSocket>) -> Membership {
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let link = Rc::new(Link { signal: Cell::new(Signal::Serve), waker: RefCell::new(None) });
        let entry = Entry {
            activity: Arc::clone(activity),
            link: Rc::clone(&link),
            socket: Rc::downgrade(socket),
            limits: socket.load().limits.clone(),
            progress: activity.progress(uptime()),
            since: Instant::now(),
            dismissed: false,
        };
        self.entries.borrow_mut().insert(id, entry);
        Membership { registry: Rc::clone(self), id, link }
    }
}

impl Membership {
    /// Finishes this connection.
    pub(crate) fn finish(&self) {
        self.link.tell(Signal::Finish);
    }

    /// Runs `connection` to its end. `finish` is called once when it should take no more requests. Returns why it was cut,
    /// if it was.
    pub(crate) async fn run<C: Future + Unpin>(
        &self,
        connection: &mut C,
        finish: impl FnMut(Pin<&mut C>) + Unpin,
    ) -> Result<C::Output, Phase> {
        Supervised { connection, link: &self.link, finish, finishing: false }.await
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.registry.entries.borrow_mut().remove(&self.id);
        self.registry.report();
    }
}

/// A connection that became a tunnel. A drain waits for it as for any other.
#[derive(Debug)]
pub(crate) struct Tunnel(Rc<Registry>);

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.0.tunnels.set(self.0.tunnels.get() - 1);
        self.0.report();
    }
}

/// A connection that does as its link says.
struct Supervised<'c, C, F> {
    connection: &'c mut C,
    link: &'c Link,
    finish: F,
    finishing: bool,
}

impl<C: Future + Unpin, F: FnMut(Pin<&mut C>) + Unpin> Future for Supervised<'_, C, F> {
    type Output = Result<C::Output, Phase>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.link.signal.get() {
            Signal::Serve => {}
            Signal::Finish if this.finishing => {}
            Signal::Finish => {
                this.finishing = true;
                (this.finish)(Pin::new(this.connection));
            }
            Signal::Cut(phase) => return Poll::Ready(Err(phase)),
        }
        if let Poll::Ready(output) = Pin::new(&mut *this.connection).poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let mut waker = this.link.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

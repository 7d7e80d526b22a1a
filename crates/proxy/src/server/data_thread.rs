//! One data thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use backstay_http1::HeadLimits;
use backstay_upstream::{LINGER, OwnAddresses, Settings};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::Limits;
use super::accept;
use super::registry::Registry;
use super::streams::Streams;
use crate::access;
use crate::config::{Config, Socket};
use crate::counts::ServerMetrics;
use crate::forward::BodyProgress;
use crate::upstream::{Connector, Upstreams};

/// What all threads share. Read-only, or counted atomically.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<ServerMetrics>,
    pub(crate) access_log: Option<access::Log>,
    /// Addresses this process listens on.
    pub(crate) own: OwnAddresses,
}

/// What the control side tells a thread.
#[derive(Debug)]
pub(super) enum Command {
    /// Serve `config` from now on; say so on `done` when that is so.
    Apply { config: Arc<Config>, opened: Vec<Opened>, done: mpsc::Sender<()> },
    /// Finish what is in flight, within `deadline`, and end.
    Drain { deadline: Duration, done: mpsc::Sender<()> },
}

/// This thread's share of a new listening socket.
#[derive(Debug)]
pub(super) struct Opened {
    /// Address asked for.
    pub(super) address: SocketAddr,
    pub(super) listener: TcpListener,
}

/// State of one thread, shared by its tasks.
#[derive(Debug)]
pub(crate) struct DataThread {
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstreams: Upstreams,
    /// Copies of requests in flight.
    pub(crate) mirrors: Cell<usize>,
    pub(super) registry: Registry,
    pub(super) streams: Streams,
    /// Requests that were answered before all of them had arrived, and since when.
    lingering: RefCell<Vec<(Instant, Rc<BodyProgress>)>>,
    sockets: RefCell<HashMap<SocketAddr, Listening>>,
    random: RefCell<SmallRng>,
}

/// A socket this thread accepts from.
#[derive(Debug)]
struct Listening {
    current: Rc<CurrentSocket>,
    /// Dropped to stop accepting.
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Listening {
    /// Ends when the socket is closed.
    async fn close(self) {
        drop(self.stop);
        let _ = self.accepting.await;
    }
}

/// One thread's own count on a socket's configuration: to count on the shared [`Arc`] with each request would have all
/// threads contend for it.
#[derive(Debug)]
pub(crate) struct Serving(Arc<Socket>);

impl std::ops::Deref for Serving {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.0
    }
}

/// What a socket serves now. Connections keep it and look at each request.
#[derive(Debug)]
pub(crate) struct CurrentSocket {
    socket: RefCell<Rc<Serving>>,
    /// The socket is gone from the configuration.
    pub(super) closed: Cell<bool>,
}

impl CurrentSocket {
    /// What to serve a request with.
    pub(crate) fn load(&self) -> Rc<Serving> {
        Rc::clone(&self.socket.borrow())
    }
}

impl DataThread {
    fn new(shared: Arc<Shared>) -> Self {
        let limits = &shared.limits;
        let settings = Settings {
            stream_window: limits.stream_window,
            head: HeadLimits { max_size: limits.max_head_size, max_headers: limits.max_headers },
            max_idle: limits.max_idle_upstream,
        };
        Self {
            upstreams: Upstreams::new(Connector::new(Arc::clone(&shared.own)), settings),
            shared,
            mirrors: Cell::new(0),
            registry: Registry::default(),
            streams: Streams::default(),
            lingering: RefCell::default(),
            sockets: RefCell::default(),
            random: RefCell::new(rand::make_rng()),
        }
    }

    /// A number that differs from thread to thread and from start to start. It is not fit for secrets.
    pub(crate) fn random(&self) -> u64 {
        self.random.borrow_mut().next_u64()
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn random_below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.random.borrow_mut().random_range(0..bound) }
    }

    /// Counts a connection that became a tunnel, for as long as the result lives.
    pub(crate) fn tunnel(self: &Rc<Self>) -> Tunnel {
        self.registry.enter_tunnel();
        Tunnel(Rc::clone(self))
    }

    /// A request was answered before all of it had arrived: its client has a moment to notice, or to finish.
    pub(crate) fn linger(&self, rest: Rc<BodyProgress>) {
        self.lingering.borrow_mut().push((Instant::now(), rest));
    }

    fn sweep(&self, now: Instant) {
        let limits = &self.shared.limits;
        self.registry.sweep(now, limits);
        let still = self.streams.sweep(now, limits.stream_idle_timeout);
        self.shared.metrics.stream_idle_timeouts.increment(still);
        self.upstreams.sweep(now);
        self.lingering.borrow_mut().retain(|(since, rest)| {
            if now.duration_since(*since) >= LINGER {
                rest.abandon();
            }
            rest.is_under_way()
        });
    }

    async fn apply(self: &Rc<Self>, config: &Arc<Config>, opened: Vec<Opened>) {
        for gone in self.serve(config, opened) {
            gone.current.closed.set(true);
            let current = Rc::clone(&gone.current);
            gone.close().await;
            self.registry.close_socket(&current);
        }
        self.upstreams.retain(|backend| config.backends.get(&backend.name));
    }

    /// Serves `config` from now on. Returns the sockets that are gone from it.
    fn serve(self: &Rc<Self>, config: &Arc<Config>, opened: Vec<Opened>) -> Vec<Listening> {
        let mut sockets = self.sockets.borrow_mut();
        let stays = |address: &SocketAddr| config.sockets.iter().any(|socket| socket.address == *address);
        let gone = sockets.extract_if(|address, _| !stays(address)).map(|(_, listening)| listening).collect();
        let mut opened: HashMap<_, _> = opened.into_iter().map(|opened| (opened.address, opened.listener)).collect();
        for socket in &config.sockets {
            if let Some(listening) = sockets.get(&socket.address) {
                *listening.current.socket.borrow_mut() = Rc::new(Serving(Arc::clone(socket)));
            } else if let Some(listener) = opened.remove(&socket.address) {
                let current = Rc::new(CurrentSocket {
                    socket: RefCell::new(Rc::new(Serving(Arc::clone(socket)))),
                    closed: Cell::new(false),
                });
                let (stop, stopped) = watch::channel(());
                let accepting = accept::run(Rc::clone(self), Rc::clone(&current), listener, stopped);
                let accepting = tokio::task::spawn_local(accepting);
                sockets.insert(socket.address, Listening { current, stop, accepting });
            }
        }
        gone
    }

    async fn drain(&self, deadline: Duration) {
        let sockets = std::mem::take(&mut *self.sockets.borrow_mut());
        for (_, listening) in sockets {
            listening.close().await;
        }
        self.registry.close_all();
        let _ = tokio::time::timeout(deadline, self.registry.emptied()).await;
    }
}

/// A connection that became a tunnel. A drain waits for it as for any other.
#[derive(Debug)]
pub(crate) struct Tunnel(Rc<DataThread>);

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.0.registry.leave_tunnel();
    }
}

/// A thread's life: obeys commands until told to end. Reports on `started` whether it came to live at all.
pub(super) fn run(
    shared: Arc<Shared>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    started: &std::sync::mpsc::Sender<std::io::Result<()>>,
) {
    // A local runtime belongs to the thread that makes it.
    let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(()));
    runtime.block_on(async move {
        let thread = Rc::new(DataThread::new(shared));
        tokio::select! {
            // No task of its own, which could end alone: a thread that looks after no connection is not to go on.
            () = sweep(Rc::clone(&thread)) => {}
            () = obey(&thread, &mut commands) => {}
        }
        thread.registry.end();
    });
}

async fn obey(thread: &Rc<DataThread>, commands: &mut mpsc::UnboundedReceiver<Command>) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Apply { config, opened, done } => {
                thread.apply(&config, opened).await;
                // There is room for each thread's word.
                let _ = done.try_send(());
            }
            Command::Drain { deadline, done } => {
                thread.drain(deadline).await;
                thread.registry.end();
                drop(done);
                return;
            }
        }
    }
}

/// Looks at all connections now and then: cuts the slow, closes the idle, on both sides.
async fn sweep(thread: Rc<DataThread>) {
    let limits = &thread.shared.limits;
    let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.stream_idle_timeout);
    let period = (shortest / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        thread.sweep(Instant::now());
    }
}

//! The control side's handle on the data threads.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use backstay_trace::{Format, Sampler, SamplerError};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;

use super::run::{self, Command, Opened};
use super::{BindError, bind};
use crate::access;
use crate::config::Config;
use crate::counts::ServerMetrics;
use crate::data_thread::Shared;
use crate::forward::Forwarder;
use crate::limits::Limits;
use crate::live::Live;
use crate::trace::{Rules, Tracing};
use crate::trust::Trust;
use crate::upgrades::Upgrades;

/// How the data threads run.
#[derive(Debug)]
pub struct Options {
    /// Number of data threads, at least 1.
    pub threads: usize,
    /// What clients may ask.
    pub limits: Limits,
    /// What their connections may change to.
    pub upgrades: Upgrades,
    /// Which proxies in front are believed.
    pub trust: Trust,
    /// What is counted.
    pub metrics: Arc<ServerMetrics>,
    /// Where access log lines go; `None` writes none.
    pub access_log: Option<access::Log>,
    /// Which requests are traced; at first none.
    pub tracing: Traces,
    /// Who looks at requests while they happen.
    pub live: Arc<Live>,
    /// Addresses of this process other than its listeners (the admin endpoint): never dialled for a dynamic backend.
    pub own_addresses: Vec<SocketAddr>,
}

/// Which requests are traced: none, unless a [`Proxy`](crate::Proxy) says.
#[derive(Clone, Debug, Default)]
pub struct Traces(pub(crate) Arc<Tracing>);

impl Traces {
    /// Those of sampled callers, and of other requests this share, 0 to 1. Nobody is told: for measuring what it costs to be asked.
    ///
    /// # Errors
    /// Where the share is none.
    pub fn sampling(share: f64) -> Result<Self, SamplerError> {
        let tracing = Tracing::default();
        tracing.turn(Rules { sampler: Sampler::parent_based(share)?, formats: vec![Format::W3c] });
        Ok(Self(Arc::new(tracing)))
    }
}

impl Default for Options {
    /// One thread, default limits and upgrades, nobody believed, no access log.
    fn default() -> Self {
        Self {
            threads: 1,
            limits: Limits::default(),
            upgrades: Upgrades::default(),
            trust: Trust::default(),
            metrics: Arc::default(),
            access_log: None,
            tracing: Traces::default(),
            live: Arc::default(),
            own_addresses: Vec::new(),
        }
    }
}

/// The running data threads. Dropping it stops them at once; [`Workers::drain`] lets requests finish.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<Worker>,
    shared: Arc<Shared>,
    /// Address actually bound, by address asked for.
    bound: HashMap<SocketAddr, SocketAddr>,
    own_addresses: Vec<SocketAddr>,
    /// Whether a thread has ended that nobody told to.
    failed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Worker {
    commands: UnboundedSender<Command>,
    thread: JoinHandle<()>,
}

impl Workers {
    /// Starts the threads, with nothing to serve yet.
    ///
    /// # Errors
    /// When the system refuses a thread or its runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(
            options.limits,
            (options.upgrades, options.trust),
            options.metrics,
            options.access_log,
            (options.tracing.0, options.live),
        ));
        shared.own.store(Arc::new(options.own_addresses.clone()));
        let failed = watch::Sender::new(false);
        let threads = (0..options.threads.max(1))
            .map(|index| {
                let shared = Arc::clone(&shared);
                Worker::start(index, &failed, move |commands, started| run::run(shared, Forwarder, commands, started))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { threads, shared, bound: HashMap::new(), own_addresses: options.own_addresses, failed })
    }

    /// Waits until a thread has ended that nobody told to. What it served is not served any more, and the others cannot take
    /// its share of the sockets: the process has to end.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut failed = self.failed.subscribe();
        async move {
            if failed.wait_for(|failed| *failed).await.is_err() {
                // The threads were drained.
                pending::<()>().await;
            }
        }
    }

    /// Makes `config` what new requests are served with, and returns when every thread does so. Requests in flight and
    /// established connections go on; connections to sockets that are gone are closed after the requests they carry.
    ///
    /// Sockets that cannot be opened are returned; everything else is in force, and the next call tries them again. When a
    /// thread has ended it does not return, since nothing is in force there: see [`Workers::failed`].
    pub async fn apply(&mut self, config: Arc<Config>) -> Vec<BindError> {
        let mut opened: Vec<Vec<Opened>> = self.threads.iter().map(|_| Vec::new()).collect();
        let mut failed = Vec::new();
        self.bound.retain(|address, _| config.sockets.iter().any(|socket| socket.address == *address));
        for socket in &config.sockets {
            if self.bound.contains_key(&socket.address) {
                continue;
            }
            let listeners = bind::open(socket.address, self.threads.len()).and_then(|listeners| {
                Ok((listeners.first().map(std::net::TcpListener::local_addr).transpose()?, listeners))
            });
            match listeners {
                Ok((actual, listeners)) => {
                    self.bound.insert(socket.address, actual.unwrap_or(socket.address));
                    for (opened, listener) in opened.iter_mut().zip(listeners) {
                        opened.push(Opened { address: socket.address, listener });
                    }
                }
                Err(source) => {
                    failed.push(BindError { address: socket.address, listeners: socket.listeners.clone(), source });
                }
            }
        }
        self.shared.own.store(Arc::new(self.own_addresses.iter().chain(self.bound.values()).copied().collect()));
        let (done, mut all_done) = mpsc::channel::<()>(self.threads.len());
        for (worker, opened) in self.threads.iter().zip(opened) {
            // A thread that has ended does not say that it is done.
            let _ = worker.commands.send(Command::Apply { config: Arc::clone(&config), opened, done: done.clone() });
        }
        drop(done);
        for _ in &self.threads {
            if all_done.recv().await.is_none() {
                self.failed.send_replace(true);
                pending::<()>().await;
            }
        }
        failed
    }

    /// The address that was bound for the one asked for; they differ when port 0 was asked for.
    pub fn bound(&self, address: SocketAddr) -> Option<SocketAddr> {
        self.bound.get(&address).copied()
    }

    /// Connections from clients open now.
    pub fn connections(&self) -> u64 {
        self.shared.metrics.connections.get()
    }

    /// Has clients go elsewhere while they are served.
    pub(crate) fn leaver(&self) -> Leaver {
        Leaver(self.threads.iter().map(|worker| worker.commands.clone()).collect())
    }

    /// Stops accepting, lets requests in flight finish (telling clients to close), and ends the threads. What is left after
    /// `deadline` is cut.
    pub async fn drain(self, deadline: Duration) {
        let (done, mut all_done) = mpsc::channel::<()>(1);
        for worker in &self.threads {
            let _ = worker.commands.send(Command::Drain { deadline, done: done.clone() });
        }
        drop(done);
        let _ = all_done.recv().await;
        let threads: Vec<_> = self.threads.into_iter().map(|worker| worker.thread).collect();
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        })
        .await;
    }
}

/// Has clients go elsewhere while they are served.
#[derive(Clone, Debug)]
pub(crate) struct Leaver(Vec<UnboundedSender<Command>>);

impl Leaver {
    /// Answers over HTTP/1.1 say that the connection closes, and connections of HTTP/2 are told to end; new ones are taken all the same.
    /// With false, clients are to stay again.
    pub(crate) fn leave(&self, leaving: bool) {
        for commands in &self.0 {
            // A thread that has ended serves nobody.
            let _ = commands.send(Command::Leave(leaving));
        }
    }
}

impl Worker {
    /// Starts a thread that does `work`, which says on its second argument whether it came to live.
    fn start<W>(index: usize, failed: &watch::Sender<bool>, work: W) -> io::Result<Self>
    where
        W: FnOnce(UnboundedReceiver<Command>, &std::sync::mpsc::Sender<io::Result<()>>) + Send + 'static,
    {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (started, starts) = std::sync::mpsc::channel();
        let guard = Guard(failed.clone());
        let thread = std::thread::Builder::new().name(format!("data-{index}")).spawn(move || {
            let _guard = guard;
            work(receiver, &started);
        })?;
        starts.recv().map_err(io::Error::other)??;
        Ok(Self { commands, thread })
    }
}

/// Says of a thread that it has failed, however it does.
struct Guard(watch::Sender<bool>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests;

//! What proxies serve at this moment, for whoever looks through the control plane.
//!
//! Proxies attend over a stream that is idle ([`Attendance`]). Somebody who looks is a [`Looker`]: every proxy that is asked for is told
//! so, also one that comes later, and what it shows comes to the looker through a queue. A looker that does not keep up loses requests,
//! which are counted, and holds up no proxy.
//!
//! # Layout
//!
//! - `service`: proxies that attend. `admin`: those who look.

mod admin;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_proto::live::attend_response::Command;
use backstay_proto::live::{AttendRequest, AttendResponse};
use tokio::sync::mpsc;

pub(crate) use self::admin::LiveAdmin;
pub(crate) use self::service::Attending;

/// Bounds on who looks, and on proxies that attend.
#[derive(Debug, Clone, Copy)]
pub struct LiveLimits {
    /// Sessions of top and tap at once; one more is refused. Default 32.
    pub sessions: usize,
    /// Proxies that may be looked at. Default 16,384.
    pub streams: usize,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self { sessions: 32, streams: 16_384 }
    }
}

/// What proxies have shown that waits for one who looks, in messages.
const WAITING: usize = 256;
/// Commands that wait for one proxy. One that takes none is not looked at.
const COMMANDS: usize = 64;
/// Length of a name, in bytes.
const MAX_NAME: usize = 4096;

/// Proxies that can be looked at, and who looks.
#[derive(Debug, Default)]
pub(crate) struct Attendance {
    limits: LiveLimits,
    inner: Mutex<Inner>,
    counts: Counts,
}

/// What is counted of it.
#[derive(Debug, Default)]
struct Counts {
    refused: AtomicU64,
    missed: AtomicU64,
}

/// What is exported of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiveFigures {
    /// Sessions that are open.
    pub(crate) sessions: usize,
    /// Sessions and proxies beyond a limit.
    pub(crate) refused: u64,
    /// Requests that were shown and did not come to whoever looks.
    pub(crate) missed: u64,
    /// Proxies that can be looked at.
    pub(crate) proxies: usize,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    proxies: BTreeMap<u64, Proxy>,
    lookers: BTreeMap<u64, Asked>,
}

#[derive(Debug)]
struct Proxy {
    node: Arc<str>,
    fleet: Arc<str>,
    commands: mpsc::Sender<AttendResponse>,
}

/// What somebody looks at.
#[derive(Debug)]
struct Asked {
    /// `None` is all.
    fleet: Option<String>,
    /// `None` is all of the fleet.
    proxy: Option<String>,
    command: Command,
    shown: mpsc::Sender<Shown>,
    missed: Arc<AtomicU64>,
}

/// What a proxy shows.
#[derive(Debug)]
pub(crate) enum Shown {
    /// Requests or a table.
    Message(Arc<str>, AttendRequest),
    /// It came.
    Came(Arc<str>),
    /// It went.
    Went(Arc<str>),
}

/// Why nobody may look, or attend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Beyond {
    #[error("{0} sessions of top and tap are open already, which is what the limit max-live-sessions allows")]
    Sessions(usize),
    #[error("{0} proxies attend already")]
    Streams(usize),
    #[error("a name is longer than {0} bytes")]
    Name(usize),
}

impl Attendance {
    pub(crate) fn new(limits: LiveLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is exported, in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        let LiveFigures { sessions, refused, missed, proxies } = self.figures();
        let mut text = String::new();
        for (name, kind, help, value) in [
            ("backstay_live_sessions", "gauge", "Sessions of top and tap that are open.", sessions as u64),
            (
                "backstay_live_refused_total",
                "counter",
                "Sessions, and proxies to be looked at, beyond a limit.",
                refused,
            ),
            (
                "backstay_live_requests_missed_total",
                "counter",
                "Requests that whoever looked was too slow for.",
                missed,
            ),
            ("backstay_live_proxies", "gauge", "Connected proxies that can be looked at.", proxies as u64),
        ] {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
        text
    }

    /// What there is of it.
    pub(crate) fn figures(&self) -> LiveFigures {
        let (sessions, proxies) = {
            let inner = self.lock();
            (inner.lookers.len(), inner.proxies.len())
        };
        LiveFigures {
            sessions,
            refused: self.counts.refused.load(Relaxed),
            missed: self.counts.missed.load(Relaxed),
            proxies,
        }
    }

    /// A proxy attends until what is returned is dropped. What it is to do comes through the queue: first what somebody looks at already.
    fn attend(
        self: &Arc<Self>,
        node: &str,
        fleet: &str,
    ) -> Result<(Attendant, mpsc::Receiver<AttendResponse>), Beyond> {
        if node.len() > MAX_NAME || fleet.len() > MAX_NAME {
            return Err(Beyond::Name(MAX_NAME));
        }
        let mut inner = self.lock();
        if inner.proxies.len() >= self.limits.streams {
            self.counts.refused.fetch_add(1, Relaxed);
            return Err(Beyond::Streams(self.limits.streams));
        }
        inner.next += 1;
        let id = inner.next;
        let (commands, queue) = mpsc::channel(COMMANDS);
        let proxy = Proxy { node: node.into(), fleet: fleet.into(), commands };
        for (looker, asked) in inner.lookers.iter().filter(|(_, asked)| asked.is_about(&proxy)) {
            proxy.tell(*looker, &asked.command);
            let _ = asked.shown.try_send(Shown::Came(Arc::clone(&proxy.node)));
        }
        let node = Arc::clone(&proxy.node);
        inner.proxies.insert(id, proxy);
        drop(inner);
        Ok((Attendant { id, node, attendance: Arc::clone(self) }, queue))
    }

    /// Begins to look. Returns how many proxies are asked.
    fn look(
        self: &Arc<Self>,
        fleet: Option<String>,
        proxy: Option<String>,
        command: Command,
    ) -> Result<(Looker, usize), Beyond> {
        let mut inner = self.lock();
        if inner.lookers.len() >= self.limits.sessions {
            self.counts.refused.fetch_add(1, Relaxed);
            return Err(Beyond::Sessions(self.limits.sessions));
        }
        inner.next += 1;
        let id = inner.next;
        let (sender, shown) = mpsc::channel(WAITING);
        let missed = Arc::<AtomicU64>::default();
        let asked = Asked { fleet, proxy, command, shown: sender, missed: Arc::clone(&missed) };
        let mut proxies = 0;
        for proxy in inner.proxies.values().filter(|proxy| asked.is_about(proxy)) {
            proxies += usize::from(proxy.tell(id, &asked.command));
        }
        inner.lookers.insert(id, asked);
        drop(inner);
        Ok((Looker { id, shown, missed, attendance: Arc::clone(self) }, proxies))
    }
}

impl Asked {
    fn is_about(&self, proxy: &Proxy) -> bool {
        self.fleet.as_deref().is_none_or(|fleet| *fleet == *proxy.fleet)
            && self.proxy.as_deref().is_none_or(|node| *node == *proxy.node)
    }
}

impl Proxy {
    /// Whether it will hear of it.
    fn tell(&self, id: u64, command: &Command) -> bool {
        self.commands.try_send(AttendResponse { id, command: Some(command.clone()) }).is_ok()
    }
}

/// A proxy that attends.
#[derive(Debug)]
struct Attendant {
    id: u64,
    node: Arc<str>,
    attendance: Arc<Attendance>,
}

impl Attendant {
    /// Passes on what it shows.
    fn shows(&self, message: AttendRequest) {
        let inner = self.attendance.lock();
        let Some(asked) = inner.lookers.get(&message.id) else { return };
        // Whoever was not asked shows nothing.
        if !inner.proxies.get(&self.id).is_some_and(|proxy| asked.is_about(proxy)) {
            return;
        }
        let lost = message.missed + message.requests.len() as u64;
        if asked.shown.try_send(Shown::Message(Arc::clone(&self.node), message)).is_err() {
            asked.missed.fetch_add(lost, Relaxed);
            self.attendance.counts.missed.fetch_add(lost, Relaxed);
        }
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        let mut inner = self.attendance.lock();
        let Some(proxy) = inner.proxies.remove(&self.id) else { return };
        for asked in inner.lookers.values().filter(|asked| asked.is_about(&proxy)) {
            let _ = asked.shown.try_send(Shown::Went(Arc::clone(&proxy.node)));
        }
    }
}

/// Somebody looks for as long as this lives.
#[derive(Debug)]
struct Looker {
    id: u64,
    shown: mpsc::Receiver<Shown>,
    missed: Arc<AtomicU64>,
    attendance: Arc<Attendance>,
}

impl Looker {
    /// What is shown next. `None` never comes while this lives.
    async fn next(&mut self) -> Option<Shown> {
        self.shown.recv().await
    }

    /// Requests that did not come here since this was last asked.
    fn missed(&self) -> u64 {
        self.missed.swap(0, Relaxed)
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        let mut inner = self.attendance.lock();
        let Some(asked) = inner.lookers.remove(&self.id) else { return };
        for proxy in inner.proxies.values().filter(|proxy| asked.is_about(proxy)) {
            proxy.tell(self.id, &Command::Stop(true));
        }
    }
}

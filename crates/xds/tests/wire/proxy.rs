//! A client of ours that applies everything but values that begin with `bad`, and tells the test what happens to it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use backstay_proto::discovery::Node;
use backstay_xds::client::{Disconnect, Handler, Options, Rejection, Update, run};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::plane::{PATIENCE, TYPE};

/// What happened to the handler.
#[derive(Debug)]
pub(crate) enum Happened {
    Connected(bool),
    /// Updates and removals as offered, and what is held now.
    Applied {
        updates: Vec<String>,
        removed: Vec<String>,
        held: BTreeMap<String, Bytes>,
    },
    Disconnected(String),
}

pub(crate) struct Proxy {
    happened: mpsc::UnboundedReceiver<Happened>,
    running: JoinHandle<()>,
}

struct Shelf {
    held: BTreeMap<Arc<str>, (Arc<str>, Bytes)>,
    happened: mpsc::UnboundedSender<Happened>,
}

impl Handler for Shelf {
    async fn apply(&mut self, type_url: &str, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Vec<Rejection> {
        assert_eq!(type_url, TYPE);
        let offered = (
            updates.iter().map(|update| update.name.to_string()).collect(),
            removed.iter().map(|name| name.to_string()).collect(),
        );
        let mut rejections = Vec::new();
        for Update { name, version, value } in updates {
            if value.starts_with(b"bad") {
                rejections.push(Rejection { name, field: "value".to_owned(), message: "is bad".to_owned() });
            } else {
                self.held.insert(name, (version, value));
            }
        }
        for name in removed {
            self.held.remove(&name);
        }
        let held = self.held.iter().map(|(name, (_, value))| (name.to_string(), value.clone())).collect();
        let (updates, removed) = offered;
        let _ = self.happened.send(Happened::Applied { updates, removed, held });
        rejections
    }

    fn held(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        self.held.iter().map(|(name, (version, _))| (name.clone(), version.clone())).collect()
    }

    fn connected(&mut self, connected: bool) {
        let _ = self.happened.send(Happened::Connected(connected));
    }

    fn disconnected(&mut self, cause: &Disconnect, _: Duration) {
        let _ = self.happened.send(Happened::Disconnected(cause.to_string()));
    }
}

impl Proxy {
    pub(crate) fn options(endpoint: impl std::fmt::Display) -> Options {
        let node = Node { id: "proxy".to_owned(), ..Node::default() };
        let mut options = Options::new(format!("http://{endpoint}").parse().unwrap(), node, TYPE);
        options.backoff_base = Duration::from_millis(5);
        options.backoff_max = Duration::from_millis(20);
        options
    }

    pub(crate) fn start(options: Options) -> Self {
        Self::start_until(options, pending())
    }

    pub(crate) fn start_until(options: Options, shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        let (sender, happened) = mpsc::unbounded_channel();
        let shelf = Shelf { held: BTreeMap::new(), happened: sender };
        let running = tokio::spawn(async move { drop(run(options, shelf, shutdown).await) });
        Self { happened, running }
    }

    pub(crate) async fn happened(&mut self) -> Happened {
        timeout(PATIENCE, self.happened.recv()).await.expect("something happens").expect("the client runs")
    }

    /// The next response that was applied: updates, removals, and what is held after it.
    pub(crate) async fn applied(&mut self) -> (Vec<String>, Vec<String>, BTreeMap<String, Bytes>) {
        loop {
            if let Happened::Applied { updates, removed, held } = self.happened().await {
                return (updates, removed, held);
            }
        }
    }

    /// Why the next stream ended.
    pub(crate) async fn disconnected(&mut self) -> String {
        loop {
            match self.happened().await {
                Happened::Disconnected(cause) => return cause,
                Happened::Connected(_) => {}
                applied @ Happened::Applied { .. } => panic!("{applied:?}"),
            }
        }
    }

    pub(crate) async fn stopped(mut self) {
        timeout(PATIENCE, &mut self.running).await.expect("the client stops").unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

//! A control plane for tests: serves the resources it is told to, on a socket that can be closed and opened again.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::config::{Resource as Message, resource};
use backstay_proto::discovery::Node;
use backstay_xds::server::{self, Event, Peer, Refused, Source, StreamId};
use backstay_xds::{Resource, ResourceChange, Snapshot};
use bytes::Bytes;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;

struct Feed {
    snapshots: Mutex<Option<watch::Sender<Snapshot>>>,
    nodes: Mutex<Vec<Node>>,
    events: mpsc::UnboundedSender<Event>,
}

impl Source for Feed {
    fn subscribe(&self, peer: &Peer, _: &str) -> Result<watch::Receiver<Snapshot>, Refused> {
        self.nodes.lock().unwrap().push(peer.node.clone());
        let snapshots = self.snapshots.lock().unwrap();
        snapshots.as_ref().map(watch::Sender::subscribe).ok_or_else(|| Refused::unavailable("stopped"))
    }

    fn observe(&self, _: StreamId, event: Event) {
        let _ = self.events.send(event);
    }
}

pub(crate) struct ControlPlane {
    pub(crate) address: SocketAddr,
    snapshot: Snapshot,
    revision: u64,
    feed: Arc<Feed>,
    events: mpsc::UnboundedReceiver<Event>,
    server: Option<JoinHandle<()>>,
}

impl ControlPlane {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let feed = Feed { snapshots: Mutex::new(None), nodes: Mutex::default(), events: sender };
        let mut plane =
            Self { address, snapshot: Snapshot::empty(), revision: 0, feed: Arc::new(feed), events, server: None };
        plane.serve(listener);
        plane
    }

    fn serve(&mut self, listener: TcpListener) {
        *self.feed.snapshots.lock().unwrap() = Some(watch::Sender::new(self.snapshot.clone()));
        let service = server::service(Arc::clone(&self.feed), server::Options::default());
        self.server = Some(tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpIncoming::from(listener))
                .await
                .unwrap();
        }));
    }

    /// Goes away, streams and all.
    pub(crate) async fn stop(&mut self) {
        self.feed.snapshots.lock().unwrap().take();
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
    }

    /// Comes back on the same address.
    pub(crate) async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    fn change(&mut self, changes: Vec<ResourceChange>) {
        self.revision += 1;
        self.snapshot = self.snapshot.apply(self.revision, RESOURCE_TYPE_URL, changes);
        if let Some(sender) = &*self.feed.snapshots.lock().unwrap() {
            sender.send_replace(self.snapshot.clone());
        }
    }

    pub(crate) fn put(&mut self, resources: Vec<(&str, resource::Kind)>) {
        let put = |(name, kind): (&str, resource::Kind)| {
            ResourceChange::Put(Resource::new(name, Message { kind: Some(kind) }.encode_to_vec().into()))
        };
        self.change(resources.into_iter().map(put).collect());
    }

    pub(crate) fn put_raw(&mut self, name: &str, value: &'static [u8]) {
        self.change(vec![ResourceChange::Put(Resource::new(name, Bytes::from_static(value)))]);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.change(vec![ResourceChange::Remove(name.into())]);
    }

    pub(crate) fn last_node(&self) -> Node {
        self.feed.nodes.lock().unwrap().last().unwrap().clone()
    }

    /// The next event that `wanted` takes an interest in. What comes before it is dropped.
    pub(crate) async fn event<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let next = async {
            loop {
                if let Some(found) = wanted(&self.events.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        // Only ends a test that would otherwise hang.
        tokio::time::timeout(Duration::from_secs(30), next).await.unwrap()
    }
}

/// A port that is free now, and that nobody gets who asks the system for any port: those are higher.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = 10_240 + u16::try_from(offset).unwrap();
        if StdListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

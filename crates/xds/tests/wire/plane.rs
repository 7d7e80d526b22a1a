//! A control plane on a socket: the service, a source that lets everyone in but `mallory`, and a record of what it was told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_xds::server::{Event, Identity, Options, Peer, Refused, Source, StreamId, services};
use backstay_xds::{Resource, ResourceChange, Snapshot};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::{Code, Request};

pub(crate) const TYPE: &str = "type.example/Thing";

/// Who everybody is, as what stands before the service says.
pub(crate) const PROVED: &str = "proved";

/// How long to wait for what must happen before the test is given up as failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn put(name: &str, value: impl Into<Bytes>) -> ResourceChange {
    ResourceChange::Put(Resource::new(name, value.into()))
}

pub(crate) fn remove(name: &str) -> ResourceChange {
    ResourceChange::Remove(name.into())
}

pub(crate) struct Plane {
    pub(crate) address: SocketAddr,
    source: Arc<Recorder>,
    pub(crate) events: mpsc::UnboundedReceiver<(StreamId, Event)>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

struct Recorder {
    snapshots: Mutex<watch::Sender<Snapshot>>,
    events: mpsc::UnboundedSender<(StreamId, Event)>,
}

impl Source for Recorder {
    fn subscribe(&self, peer: &Peer, _: &str) -> Result<watch::Receiver<Snapshot>, Refused> {
        if peer.node.id == "mallory" {
            return Err(Refused::new(Code::PermissionDenied, "mallory may not have any of this"));
        }
        Ok(self.snapshots.lock().unwrap().subscribe())
    }

    fn observe(&self, stream: StreamId, event: Event) {
        let _ = self.events.send((stream, event));
    }
}

impl Plane {
    pub(crate) async fn start(changes: impl IntoIterator<Item = ResourceChange>) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), changes, Options::default()).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        changes: impl IntoIterator<Item = ResourceChange>,
        options: Options,
    ) -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let snapshot = Snapshot::empty().apply(1, TYPE, changes);
        let source = Arc::new(Recorder { snapshots: Mutex::new(watch::Sender::new(snapshot)), events });
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let authenticated = InterceptorLayer::new(|mut request: Request<()>| {
            request.extensions_mut().insert(Identity::new(PROVED));
            Ok(request)
        });
        let routes = services(source.clone(), options);
        let server = tokio::spawn(async move {
            let server = Server::builder().layer(authenticated).add_routes(routes);
            let stopped = async { drop(stopped.await) };
            server.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped).await.unwrap();
        });
        Self { address, source, events: receiver, stop, server }
    }

    pub(crate) fn apply(&self, changes: impl IntoIterator<Item = ResourceChange>) {
        let snapshots = self.source.snapshots.lock().unwrap();
        snapshots.send_modify(|snapshot| *snapshot = snapshot.apply(snapshot.revision() + 1, TYPE, changes));
    }

    /// Changes resources of another type.
    pub(crate) fn apply_as(&self, type_url: &str, changes: impl IntoIterator<Item = ResourceChange>) {
        let snapshots = self.source.snapshots.lock().unwrap();
        snapshots.send_modify(|snapshot| *snapshot = snapshot.apply(snapshot.revision() + 1, type_url, changes));
    }

    /// Ends all streams; new ones are served the same snapshot.
    pub(crate) fn end_streams(&self) {
        let mut snapshots = self.source.snapshots.lock().unwrap();
        let snapshot = snapshots.borrow().clone();
        *snapshots = watch::Sender::new(snapshot);
    }

    /// Takes no more connections, and asks those that are there to end (GOAWAY); their streams go on.
    pub(crate) fn retire(mut self) -> Self {
        let (unused, _) = oneshot::channel();
        let _ = std::mem::replace(&mut self.stop, unused).send(());
        self
    }

    /// Shuts down as a control plane should: end the streams, then wait for the connections.
    pub(crate) async fn stop(self) {
        let Self { source, events, stop, server, .. } = self;
        let _ = stop.send(());
        *source.snapshots.lock().unwrap() = watch::Sender::new(Snapshot::empty());
        drop(events);
        timeout(PATIENCE, server).await.expect("the server stops").unwrap();
    }

    /// The first event that `pick` takes; what comes before it is dropped.
    pub(crate) async fn event<T>(&mut self, mut pick: impl FnMut(StreamId, Event) -> Option<T>) -> T {
        let find = async {
            loop {
                let (stream, event) = self.events.recv().await.expect("the recorder lives");
                if let Some(found) = pick(stream, event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, find).await.expect("the event happens")
    }
}

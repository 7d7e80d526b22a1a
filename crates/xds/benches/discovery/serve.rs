//! The server that is measured: so many resources for every node, of which one changes for each request to its control address.

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_xds::server::{Event, Options, Peer, Refused, Source, StreamId, services};
use backstay_xds::{Resource, ResourceChange, Snapshot};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What the program is told to be this.
pub const MODE: &str = "serve";

const TYPE: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/// The same snapshot for everybody.
struct Everybody(watch::Sender<Snapshot>);

impl Source for Everybody {
    fn subscribe(&self, _: &Peer, _: &str) -> Result<watch::Receiver<Snapshot>, Refused> {
        Ok(self.0.subscribe())
    }

    fn observe(&self, _: StreamId, _: Event) {}
}

/// As large as the clusters of the peer.
fn resource(number: usize, version: usize) -> ResourceChange {
    let name = format!("backend/b{number}");
    let value = format!("{name}{version:010}{}", "x".repeat(90));
    ResourceChange::Put(Resource::new(name, Bytes::from(value)))
}

pub async fn serve(resources: usize, xds: SocketAddr, control: SocketAddr) {
    let snapshot = Snapshot::empty().apply(1, TYPE, (0..resources).map(|number| resource(number, 0)));
    let source = Arc::new(Everybody(watch::Sender::new(snapshot)));
    // On a machine that is busy with the streams before, a stream may have to wait for its turn.
    let options = Options {
        max_new_streams_a_second: 1_000_000,
        first_request_timeout: std::time::Duration::from_secs(600),
        ..Options::default()
    };
    let routes = services(Arc::clone(&source), options);
    let listener = TcpListener::bind(xds).await.expect("an address");
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tonic::transport::Server::builder().add_routes(routes).serve_with_incoming(incoming);
    tokio::spawn(server);
    let listener = TcpListener::bind(control).await.expect("an address");
    let mut version = 1;
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 512];
        if stream.read(&mut request).await.is_ok_and(|length| length > 0) {
            version += 1;
            let next =
                source.0.borrow().apply(version, TYPE, [resource(0, usize::try_from(version).unwrap_or_default())]);
            source.0.send_replace(next);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    }
}

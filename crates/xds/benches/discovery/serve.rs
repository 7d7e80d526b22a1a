//! The server that is measured: so many resources for every node, of which one changes for each request to its control address.

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_xds::server::{Event, Gathered, Options, Peer, Refused, Source, StreamId, services};
use backstay_xds::{Resource, ResourceChange, Snapshot};
use bytes::Bytes;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::service::Routes;
use tower::ServiceExt as _;

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

/// As a control plane serves it, without what decides who may come.
async fn connection(stream: TcpStream, routes: Routes) {
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        routes.clone().oneshot(request.map(tonic::body::Body::new))
    });
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(std::time::Duration::from_secs(30))
        .serve_connection(TokioIo::new(Gathered::new(stream)), service);
    // It ends when its client does.
    let _ = served.await;
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
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            tokio::spawn(connection(stream, routes.clone()));
        }
    });
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

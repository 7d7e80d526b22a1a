//! Takes new connections from a listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use metrics::Gauge;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::connection;
use super::shard::{CurrentSocket, Shard};

/// Accepts until `stopped` closes, then takes those that had been waiting.
pub(super) async fn run(
    shard: Rc<Shard>,
    socket: Rc<CurrentSocket>,
    listener: TcpListener,
    mut stopped: watch::Receiver<()>,
) {
    let address = socket.load().address;
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, %address, "cannot accept on a listening socket");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => begin(&shard, &socket, stream, peer),
            // The client gave up between the handshake and now.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Usually out of file descriptors: nothing gets better by trying at once.
                tracing::warn!(%error, %address, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // To these clients the connection is open already; closing the socket would reset it.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            begin(&shard, &socket, stream, peer);
        }
    }
}

fn begin(shard: &Rc<Shard>, socket: &Rc<CurrentSocket>, stream: TcpStream, peer: SocketAddr) {
    shard.shared.metrics.accepted.increment(1);
    match Permit::take(shard) {
        Some(permit) => connection::spawn(shard, socket, stream, peer, permit),
        None => shard.shared.metrics.connections_refused.increment(1),
    }
}

/// A connection's place among `max_connections`.
#[derive(Debug)]
pub(super) struct Permit {
    count: Arc<AtomicUsize>,
    gauge: Gauge,
}

impl Permit {
    fn take(shard: &Shard) -> Option<Self> {
        let count = Arc::clone(&shard.shared.connections);
        if count.fetch_add(1, Relaxed) >= shard.shared.limits.max_connections {
            count.fetch_sub(1, Relaxed);
            return None;
        }
        let gauge = shard.shared.metrics.connections.clone();
        gauge.increment(1.0);
        Some(Self { count, gauge })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Relaxed);
        self.gauge.decrement(1.0);
    }
}

//! Takes new connections from a listening socket.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use metrics::Gauge;
use tokio::sync::watch;

use super::connection;
use super::shard::{CurrentSocket, Shard};

/// Accepts until `stopped` closes.
pub(super) async fn run(
    shard: Rc<Shard>,
    socket: Rc<CurrentSocket>,
    listener: TcpListener,
    mut stopped: watch::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, address = %socket.load().address, "cannot accept on a listening socket");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                shard.shared.metrics.accepted.increment(1);
                match Permit::take(&shard) {
                    Some(permit) => {
                        tokio::task::spawn_local(connection::serve(
                            Rc::clone(&shard),
                            Rc::clone(&socket),
                            stream,
                            peer,
                            permit,
                        ));
                    }
                    None => shard.shared.metrics.connections_refused.increment(1),
                }
            }
            // The client gave up between the handshake and now.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Usually out of file descriptors: nothing gets better by trying at once.
                tracing::warn!(%error, address = %socket.load().address, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
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

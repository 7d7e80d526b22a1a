//! Takes new connections from a listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::connection;
use super::data_thread::{CurrentSocket, DataThread, Shared};
use crate::counts::ServerMetrics;

/// Accepts until `stopped` closes, then takes those that had been waiting.
pub(super) async fn run(
    thread: Rc<DataThread>,
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
            Ok((stream, peer)) => begin(&thread, &socket, stream, peer),
            // The client gave up between the handshake and now.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Usually out of file descriptors: nothing gets better by trying at once.
                thread.shared.metrics.accept_failures.increment(1);
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
            begin(&thread, &socket, stream, peer);
        }
    }
}

fn begin(thread: &Rc<DataThread>, socket: &Rc<CurrentSocket>, stream: TcpStream, peer: SocketAddr) {
    let metrics = &thread.shared.metrics;
    match Permit::take(thread) {
        Some(permit) => {
            metrics.accepted.increment(1);
            connection::spawn(thread, socket, stream, peer, permit);
        }
        None => metrics.connections_refused.increment(1),
    }
}

/// The right to have a connection from a client open, one of `max_connections`.
#[derive(Debug)]
pub(super) struct Permit(Arc<ServerMetrics>);

impl Permit {
    fn take(thread: &DataThread) -> Option<Self> {
        let Shared { limits, metrics, .. } = &*thread.shared;
        metrics.connections.enter(limits.max_connections as u64).then(|| Self(Arc::clone(metrics)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.connections.decrement();
    }
}

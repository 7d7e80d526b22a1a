//! Takes new connections from a listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::connection::{self, Accepted};
use crate::data_thread::{CurrentSocket, DataThread};
use crate::exchange::{ClientPermit, Service};

/// Accepts until `stopped` closes, then takes those that had been waiting.
pub(super) async fn run<S: Service>(
    thread: Rc<DataThread>,
    socket: Rc<CurrentSocket>,
    listener: TcpListener,
    mut stopped: watch::Receiver<()>,
    service: S,
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
            Ok((stream, peer)) => begin(&thread, &socket, stream, peer, service),
            // The client gave up between the handshake and now.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Usually out of file descriptors: nothing gets better by trying at once.
                thread.shared.metrics.accept_failures.increment(1);
                if thread.shared.accept_warned.may_be_said() {
                    let failures = thread.shared.metrics.accept_failures.get();
                    tracing::warn!(%error, %address, failures, "cannot accept connections");
                }
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
            begin(&thread, &socket, stream, peer, service);
        }
    }
}

fn begin<S: Service>(
    thread: &Rc<DataThread>,
    socket: &Rc<CurrentSocket>,
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
) {
    let metrics = &thread.shared.metrics;
    match ClientPermit::take(thread) {
        Some(permit) => {
            metrics.accepted.increment(1);
            let accepted = Accepted { thread: Rc::clone(thread), socket: Rc::clone(socket), peer, permit };
            connection::spawn(accepted, stream, service);
        }
        None => metrics.connections_refused.increment(1),
    }
}

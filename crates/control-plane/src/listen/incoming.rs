//! Connections to the discovery address.

use std::io;
use std::time::Duration;

use futures::{Stream, stream};
use tokio::net::{TcpListener, TcpStream};

use super::beginning::Beginning;

/// How long accepting rests after it failed. Out of file descriptors, most likely: the listener stays good, and the next
/// try must not spin.
pub(super) const REST: Duration = Duration::from_millis(100);

/// Accepts for as long as it is polled. Failures to accept are logged and not passed on: they would end the server.
pub(crate) fn incoming(
    listener: TcpListener,
    begin_timeout: Duration,
) -> impl Stream<Item = io::Result<Beginning<TcpStream>>> {
    stream::unfold(listener, move |listener| async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // A change must not wait for the acknowledgement of the one before it.
                    let _ = stream.set_nodelay(true);
                    return Some((Ok(Beginning::new(stream, begin_timeout)), listener));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of a proxy");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    })
}

//! Listening sockets, opened off the data threads so that a failure has someone to be told to.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use std::{io, iter, thread};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use thiserror::Error;

/// Why an address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address} for {}: {source}", .listeners.join(", "))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Names of the listener resources that asked for it.
    pub listeners: Vec<Arc<str>>,
    /// What the system said.
    pub source: io::Error,
}

/// Connections that wait to be accepted, per thread.
const BACKLOG: i32 = 1024;

/// How often an address is tried on which another process came to listen in the same moment, and the longest pause between two tries.
const TIES: usize = 5;
const TIE_PAUSE: Duration = Duration::from_millis(5);

/// One listening socket per thread, all on the same port.
///
/// Sockets that share a port share it with another process of the same user too. So the first is opened as one that does not
/// share, and shares once it listens: of two processes that ask for a port in the same moment, one has it.
pub(super) fn open(address: SocketAddr, threads: usize) -> io::Result<Vec<TcpListener>> {
    let first = first(address)?;
    first.set_reuse_port(true)?;
    let first = TcpListener::from(first);
    let bound = first.local_addr()?;
    let others = (1..threads).map(|_| {
        let socket = raw(bound)?;
        socket.set_reuse_port(true)?;
        socket.bind(&bound.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    });
    iter::once(Ok(first)).chain(others).collect()
}

/// A socket that listens alone. Two that come to listen in the same moment may see each other and both fail, which neither of
/// them would have alone; whoever comes later than that fails before it listens.
#[allow(clippy::disallowed_methods, reason = "milliseconds, of the thread that changes the configuration")]
fn first(address: SocketAddr) -> io::Result<RawSocket> {
    let mut tries = 0;
    loop {
        let socket = raw(address)?;
        socket.bind(&address.into())?;
        match socket.listen(BACKLOG) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TIES => {
                tries += 1;
                drop(socket);
                thread::sleep(rand::random_range(Duration::ZERO..TIE_PAUSE));
            }
            listening => return listening.map(|()| socket),
        }
    }
}

fn raw(address: SocketAddr) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // [::] serves IPv4 as well; a host without that is better off with two listeners than with a silent half.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests;

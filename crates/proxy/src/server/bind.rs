//! Listening sockets, opened off the data threads so that a failure has someone to be told to.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

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

/// One listening socket per thread, all on the same port.
pub(super) fn open(address: SocketAddr, threads: usize) -> io::Result<Vec<TcpListener>> {
    if address.port() != 0 {
        // Sockets that share a port would silently share it with another process of the same user too. A socket that does
        // not share finds out.
        raw(address)?.bind(&address.into())?;
    }
    let mut bound = address;
    (0..threads)
        .map(|_| {
            let socket = raw(bound)?;
            socket.set_reuse_port(true)?;
            socket.bind(&bound.into())?;
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(true)?;
            let listener = TcpListener::from(socket);
            bound = listener.local_addr()?;
            Ok(listener)
        })
        .collect()
}

fn raw(address: SocketAddr) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // [::] serves IPv4 as well; a host without that is better off with two listeners than with a silent half.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    Ok(socket)
}

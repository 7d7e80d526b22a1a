//! An address that is taken before anybody is served there.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::error::StartError;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// An address that nobody else can take, and where connections are refused as yet: whoever looks for a control plane that serves goes on to
/// the next, and probes fail.
#[derive(Debug)]
pub(crate) struct Bound {
    socket: TcpSocket,
    address: SocketAddr,
    purpose: &'static str,
}

impl Bound {
    /// Takes an address; the port is chosen where it is 0.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub(crate) fn at(address: SocketAddr, purpose: &'static str) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address, purpose, source };
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
        // As for any listener: connections of an earlier process that linger are not in the way.
        socket.set_reuseaddr(true).and_then(|()| socket.bind(address)).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, purpose })
    }

    /// The address, with the port that was chosen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections from now on.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub(crate) fn listen(self) -> Result<TcpListener, StartError> {
        let Self { socket, address, purpose } = self;
        socket.listen(BACKLOG).map_err(|source| StartError::Listen { address, purpose, source })
    }
}

//! A connection from a client.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use backstay_model::ClientLimits;
use http::HeaderValue;

use crate::access::{Came, ClientTls};
use crate::activity::Activity;
use crate::counts::ServerMetrics;
use crate::data_thread::{CurrentSocket, DataThread, Shared};

/// One connection from a client.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    pub(crate) thread: Rc<DataThread>,
    pub(crate) socket: Rc<CurrentSocket>,
    /// What its socket allowed when it was opened, where that is not what all do.
    pub(crate) limits: Option<Arc<ClientLimits>>,
    /// The client's address.
    pub(crate) peer: SocketAddr,
    /// The client's address as a header carries it.
    pub(crate) peer_value: HeaderValue,
    /// Port that the client connected to.
    pub(crate) port: u16,
    /// The address of this machine that it connected to.
    pub(crate) local: IpAddr,
    /// How the client speaks TLS, if it does.
    pub(crate) tls: Option<ClientTls>,
    /// Whether the client speaks TLS.
    pub(crate) secure: bool,
    /// The name by which the client asked for a certificate (SNI), in lower case.
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) activity: Arc<Activity>,
    /// Held until the connection, or the tunnel it became, has ended.
    pub(crate) _permit: ClientPermit,
}

impl ClientConnection {
    /// Bytes of a request's head.
    pub(crate) fn max_head_size(&self) -> usize {
        let own = self.limits.as_ref().and_then(|limits| limits.max_head_size);
        own.unwrap_or(self.thread.shared.limits.max_head_size)
    }

    /// What lines of the access log tell of the connection.
    pub(crate) fn came(&self) -> Came<'_> {
        Came {
            client: self.peer,
            local: SocketAddr::new(self.local, self.port),
            secure: self.secure,
            tls: self.tls,
            server_name: self.server_name.as_deref(),
        }
    }

    /// Whether the connection should take no more requests.
    pub(crate) fn is_closing(&self) -> bool {
        self.socket.is_closed() || self.thread.registry.is_closing()
    }

    /// Whether the connection is to end although nothing was asked on it.
    pub(crate) fn is_ending(&self) -> bool {
        self.socket.is_closed() || self.thread.registry.is_draining()
    }

    /// The connection is about to change to another protocol. Returns whether it may: what the client has sent beyond its
    /// request was refused for what is no request, and nothing of the other protocol is to be had of it.
    pub(crate) fn enter_tunnel(&self) -> bool {
        // A stream of HTTP/2 changes, and not its connection.
        self.is_multiplexed() || self.activity.enter_tunnel()
    }

    /// Whether the client speaks HTTP/2.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.activity.is_multiplexed()
    }
}

/// The right to have a connection from a client open, one of `max_connections`.
#[derive(Debug)]
pub(crate) struct ClientPermit(Arc<ServerMetrics>);

impl ClientPermit {
    /// `None` when there are as many connections as there may be.
    pub(crate) fn take(thread: &DataThread) -> Option<Self> {
        let Shared { limits, metrics, .. } = &*thread.shared;
        metrics.connections.enter(limits.max_connections as u64).then(|| Self(Arc::clone(metrics)))
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        self.0.connections.decrement();
    }
}

//! What Envoy's resources are called.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

/// The types of resources that Envoy subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeUrl {
    /// `envoy.config.cluster.v3.Cluster`.
    Cluster,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
    Endpoints,
    /// `envoy.config.listener.v3.Listener`.
    Listener,
    /// `envoy.config.route.v3.RouteConfiguration`.
    Routes,
    /// `envoy.config.route.v3.VirtualHost`.
    VirtualHost,
    /// `envoy.extensions.transport_sockets.tls.v3.Secret`.
    Secret,
}

impl TypeUrl {
    /// All of them, in the order in which they have to be made before one is broken.
    pub const ALL: [Self; 6] =
        [Self::Cluster, Self::Endpoints, Self::Secret, Self::Listener, Self::Routes, Self::VirtualHost];

    /// As it stands in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Routes => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::VirtualHost => "type.googleapis.com/envoy.config.route.v3.VirtualHost",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        }
    }

    /// The type of a request; `None` where it is none of Envoy's that is served.
    #[must_use]
    pub fn parse(type_url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == type_url)
    }
}

/// What a cluster is made of: a backend, and the port of its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClusterKey {
    /// Name of the backend's resource.
    pub(crate) backend: Arc<str>,
    /// The port; none for a dynamic backend that takes it from the request.
    pub(crate) port: Option<NonZeroU16>,
    /// Of a dynamic backend, what its DNS cache is called: Envoy refuses a cache of another content under the same name.
    pub(crate) cache: Option<Arc<str>>,
}

/// The cluster's name: `backend/NAME:PORT`, and of dynamic backends the name of the cache in place of the port.
impl fmt::Display for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.cache, self.port) {
            (Some(cache), _) => f.write_str(cache),
            (None, Some(port)) => write!(f, "{}:{port}", self.backend),
            (None, None) => f.write_str(&self.backend),
        }
    }
}

/// Name of Envoy's listener for a socket.
pub(crate) fn listener(socket: SocketAddr) -> Arc<str> {
    format!("listener/{socket}").into()
}

/// Name of the routes of a socket; of one with TLS, those of one listener. `filters` is what of the filters they depend on: connections that
/// were accepted with other filters keep the routes that belong to these.
pub(crate) fn routes(socket: SocketAddr, listener: Option<&str>, filters: Option<&str>) -> Arc<str> {
    let mut name = format!("routes/{socket}");
    for part in [listener, filters].into_iter().flatten() {
        name.push('/');
        name.push_str(part);
    }
    name.into()
}

/// Name of a virtual host that is sent by itself: that of its routes, a slash, and its own (VHDS).
pub(crate) fn virtual_host(routes: &str, host: &str) -> String {
    format!("{routes}/{host}")
}

//! Pools as this proxy has them: over TCP, for the bodies that it sends on.

use backstay_upstream::Tcp;

use crate::body::RequestBody;

/// What pools are built on.
pub(crate) type Connector = Tcp<RequestBody>;

pub(crate) type Incoming = backstay_upstream::Incoming<Connector>;
pub(crate) type Lease = backstay_upstream::Lease<Connector>;
pub(crate) type Pool = backstay_upstream::Pool<Connector>;
pub(crate) type Tunnel = backstay_upstream::Tunnel<Connector>;
pub(crate) type Upstream = backstay_upstream::Upstream<Connector>;
pub(crate) type Upstreams = backstay_upstream::Upstreams<Connector>;

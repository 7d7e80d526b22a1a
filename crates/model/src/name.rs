//! What discovery resources and fleets are called.

use std::fmt;
use std::sync::Arc;

use crate::fault::{Checked, refuse};

#[cfg(test)]
mod tests;

/// The GatewayClass that always exists.
pub const GATEWAY_CLASS: &str = "backstay";

/// The last segment of the name of a Secret that holds authorities.
const AUTHORITY: &str = "ca.crt";

/// The kinds of resources, each with a prefix of its names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Keys, certificates and authorities.
    Secret,
    /// An upstream service.
    Backend,
    /// Texts by text.
    Table,
    /// Networks.
    AddressSet,
    /// Tokens that do not count any more.
    Revocations,
    /// Rules, and the listeners that they are for.
    Route,
    /// An address to listen on.
    Listener,
    /// What the proxies of a fleet tell of what they do.
    Telemetry,
}

impl Kind {
    /// All of them, each after those that it can refer to.
    pub const ALL: [Self; 8] = [
        Self::Secret,
        Self::Backend,
        Self::Table,
        Self::AddressSet,
        Self::Revocations,
        Self::Route,
        Self::Listener,
        Self::Telemetry,
    ];

    /// What names of this kind begin with, before a slash.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Backend => "backend",
            Self::Table => "table",
            Self::AddressSet => "address-set",
            Self::Revocations => "revocation",
            Self::Route => "route",
            Self::Listener => "listener",
            Self::Telemetry => "telemetry",
        }
    }

    /// The kind that a name belongs to. A proxy asks no more of a name than that: what follows the prefix is its control
    /// plane's business. [`ResourceName::parse`] takes only names that Backstay's own gives.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let (prefix, rest) = name.split_once('/')?;
        Self::ALL.into_iter().find(|kind| !rest.is_empty() && kind.prefix() == prefix)
    }
}

/// A reference to a resource of `kind`.
pub(crate) fn reference(kind: Kind, field: impl Into<String>, name: &str) -> Checked<Arc<str>> {
    if Kind::of(name) == Some(kind) {
        return Ok(name.into());
    }
    refuse(field, format!("{name:?} is not the name of a {}", kind.prefix()))
}

/// An object of a namespace, or of the cluster.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Scoped<'a> {
    /// Its namespace; empty for an object of the cluster.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// The name of a discovery resource, by its segments:
///
/// - `listener/NAMESPACE/GATEWAY/LISTENER`, for the second and later addresses of a Gateway with `@ADDRESS` behind it;
/// - `route/NAMESPACE/HTTPROUTE`;
/// - `backend/BACKEND`, `table/TABLE`, `address-set/SET`, `revocation/SET`, `telemetry/FLEET`;
/// - `secret/NAMESPACE/SECRET`, and `secret/NAMESPACE/SECRET/ca.crt` for a Secret that holds authorities, since one can be both.
///
/// Objects of the cluster have no segment for a namespace.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ResourceName<'a> {
    /// A listener of a Gateway.
    Listener {
        /// The Gateway.
        gateway: Scoped<'a>,
        /// The listener's name in it.
        listener: &'a str,
        /// The address of this resource, if it is not the first.
        address: Option<&'a str>,
    },
    /// A route.
    Route(Scoped<'a>),
    /// A backend.
    Backend(&'a str),
    /// A table.
    Table(&'a str),
    /// An address set.
    AddressSet(&'a str),
    /// Tokens that do not count any more.
    Revocations(&'a str),
    /// What the proxies of a fleet tell.
    Telemetry(&'a str),
    /// The certificate, with its key, of a Secret.
    Certificate {
        /// Namespace of the Secret.
        namespace: &'a str,
        /// Name of the Secret.
        secret: &'a str,
    },
    /// The authorities of a Secret.
    Authority {
        /// Namespace of the Secret.
        namespace: &'a str,
        /// Name of the Secret.
        secret: &'a str,
    },
}

impl<'a> ResourceName<'a> {
    /// Reads a name. `None` for one that Backstay's control plane gives to nothing.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (_, rest) = name.split_once('/')?;
        if rest.split('/').any(str::is_empty) {
            return None;
        }
        let scoped = |text: &'a str| {
            let (namespace, name) = text.split_once('/').unwrap_or(("", text));
            (!name.contains('/')).then_some(Scoped { namespace, name })
        };
        Some(match Kind::of(name)? {
            Kind::Backend | Kind::Table | Kind::AddressSet | Kind::Revocations | Kind::Telemetry
                if rest.contains('/') =>
            {
                return None;
            }
            Kind::Backend => Self::Backend(rest),
            Kind::Table => Self::Table(rest),
            Kind::AddressSet => Self::AddressSet(rest),
            Kind::Revocations => Self::Revocations(rest),
            Kind::Telemetry => Self::Telemetry(rest),
            Kind::Route => Self::Route(scoped(rest)?),
            Kind::Listener => {
                let (gateway, listener) = rest.rsplit_once('/')?;
                let (listener, address) = match listener.split_once('@') {
                    Some((listener, address)) => (listener, Some(address)),
                    None => (listener, None),
                };
                Self::Listener { gateway: scoped(gateway)?, listener, address }
            }
            Kind::Secret => {
                let (namespace, secret) = rest.split_once('/')?;
                match secret.split_once('/') {
                    None => Self::Certificate { namespace, secret },
                    Some((secret, AUTHORITY)) => Self::Authority { namespace, secret },
                    Some(_) => return None,
                }
            }
        })
    }

    /// The kind of the resource.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Listener { .. } => Kind::Listener,
            Self::Route(_) => Kind::Route,
            Self::Backend(_) => Kind::Backend,
            Self::Table(_) => Kind::Table,
            Self::AddressSet(_) => Kind::AddressSet,
            Self::Revocations(_) => Kind::Revocations,
            Self::Telemetry(_) => Kind::Telemetry,
            Self::Certificate { .. } | Self::Authority { .. } => Kind::Secret,
        }
    }

    /// The name of the Backend, if `name` is of one.
    #[must_use]
    pub fn backend(name: &str) -> Option<&str> {
        name.strip_prefix(Kind::Backend.prefix())?.strip_prefix('/')
    }
}

impl fmt::Display for Scoped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(self.name)
    }
}

impl fmt::Display for ResourceName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind().prefix())?;
        match self {
            Self::Listener { gateway, listener, address: None } => write!(f, "{gateway}/{listener}"),
            Self::Listener { gateway, listener, address: Some(address) } => write!(f, "{gateway}/{listener}@{address}"),
            Self::Route(route) => route.fmt(f),
            Self::Backend(name)
            | Self::Table(name)
            | Self::AddressSet(name)
            | Self::Revocations(name)
            | Self::Telemetry(name) => f.write_str(name),
            Self::Certificate { namespace, secret } => write!(f, "{namespace}/{secret}"),
            Self::Authority { namespace, secret } => write!(f, "{namespace}/{secret}/{AUTHORITY}"),
        }
    }
}

impl From<ResourceName<'_>> for Arc<str> {
    fn from(name: ResourceName<'_>) -> Self {
        name.to_string().into()
    }
}

/// The name of a fleet: of the Proxy object that stands for the proxies that share a configuration.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FleetName(Arc<str>);

impl FleetName {
    /// The fleet of Gateways and of proxies that name none. It needs no Proxy object.
    pub const DEFAULT: &'static str = "default";

    /// The fleet that is meant by `name`, which may be empty.
    #[must_use]
    pub fn meant_by(name: &str) -> Self {
        Self(if name.is_empty() { Self::DEFAULT } else { name }.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for FleetName {
    fn default() -> Self {
        Self::meant_by("")
    }
}

impl From<FleetName> for Arc<str> {
    fn from(name: FleetName) -> Self {
        name.0
    }
}

impl fmt::Display for FleetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

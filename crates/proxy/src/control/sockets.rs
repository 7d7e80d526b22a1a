//! Listeners and routes, joined into sockets.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use backstay_model::{ClientLimits, HostPattern, Identity, Listener, Secret, TlsTerms};

use super::accepted::{Accepted, AcceptedMap};
use super::routes::RouteItem;
use crate::config::Socket;
use crate::route::Table;
use crate::tls::{ServerNames, server_config};

/// A socket, and what its TLS was made from: a change of routes alone must not cost clients their TLS sessions.
#[derive(Debug)]
pub(super) struct SocketItem {
    pub(super) socket: Arc<Socket>,
    certificates: Vec<Certificates>,
    terms: TlsTerms,
}

/// The certificates of one listener.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Certificates {
    hosts: HostPattern,
    /// Name and version of each secret.
    secrets: Vec<(Arc<str>, Arc<str>)>,
}

/// What sockets are made of.
pub(super) struct Parts<'a> {
    /// The address that stands for all addresses of this host.
    pub(super) any: IpAddr,
    pub(super) listeners: &'a AcceptedMap<Listener>,
    pub(super) routes: &'a AcceptedMap<RouteItem>,
    pub(super) secrets: &'a AcceptedMap<Secret>,
    /// Names of the routes of each listener.
    pub(super) by_listener: &'a BTreeMap<Arc<str>, std::collections::BTreeSet<Arc<str>>>,
}

impl Parts<'_> {
    /// The socket at `address`; `None` if nothing can be served there (yet).
    pub(super) fn build(&self, address: SocketAddr, previous: Option<&SocketItem>) -> Option<SocketItem> {
        let at = |listener: &&(&Arc<str>, &Accepted<Listener>)| listener.1.item.socket(self.any) == address;
        let here: Vec<_> = self.listeners.iter().collect();
        let ready: Vec<_> =
            here.iter().filter(at).filter(|(_, accepted)| self.is_ready(&accepted.item)).copied().collect();
        // Listeners of one socket agree on these.
        let (_, first) = ready.first()?;
        let Listener { terms, limits, .. } = &first.item;
        let certificates: Vec<_> = ready.iter().filter_map(|(_, accepted)| self.certificates(&accepted.item)).collect();
        let reusable = previous.filter(|previous| previous.certificates == certificates && previous.terms == *terms);
        let tls = match reusable {
            Some(previous) => previous.socket.tls.clone(),
            None if certificates.is_empty() => None,
            None => match server_config(self.server_names(&certificates), terms) {
                Ok(tls) => Some(tls),
                Err(error) => {
                    tracing::error!(%address, %error, "no TLS can be served here");
                    return None;
                }
            },
        };
        let mut table = Table::builder();
        for (name, accepted) in &ready {
            table.listener(accepted.item.hosts.clone());
            for route in self.by_listener.get(*name).into_iter().flatten() {
                let Some(Accepted { item, .. }) = self.routes.get(route) else { continue };
                for candidate in item.route.candidates(name, &accepted.item.hosts, |rule| item.rules.get(rule).cloned())
                {
                    table.candidate(candidate);
                }
                let unmatched = item.unmatched.iter();
                for unmatched in
                    unmatched.flat_map(|value| item.route.unmatched(name, &accepted.item.hosts, Arc::clone(value)))
                {
                    table.unmatched(unmatched);
                }
            }
        }
        let listeners = ready.iter().map(|(name, _)| Arc::clone(name)).collect();
        let limits = (*limits != ClientLimits::default()).then(|| Arc::new(limits.clone()));
        let socket = Socket { address, listeners, tls, limits, table: table.build() };
        Some(SocketItem { socket: Arc::new(socket), certificates, terms: terms.clone() })
    }

    /// Whether a listener can be served: without TLS always, with TLS once it has a certificate.
    pub(super) fn is_ready(&self, listener: &Listener) -> bool {
        match &listener.secrets {
            None => true,
            Some(secrets) => secrets.iter().any(|secret| self.identity(secret).is_some()),
        }
    }

    fn identity(&self, secret: &str) -> Option<(&Arc<str>, &Identity)> {
        let accepted = self.secrets.get(secret)?;
        match &accepted.item {
            Secret::Certificate(identity) => Some((&accepted.version, identity)),
            Secret::Authority(_) => None,
        }
    }

    fn certificates(&self, listener: &Listener) -> Option<Certificates> {
        let secrets = listener.secrets.as_ref()?.iter();
        let secrets = secrets.filter_map(|name| Some((Arc::clone(name), Arc::clone(self.identity(name)?.0))));
        Some(Certificates { hosts: listener.hosts.clone(), secrets: secrets.collect() })
    }

    /// A listener presents its certificates for its own host names. Of several, the one that carries the name, else the
    /// first; clients that ask for no known name get the first of all.
    fn server_names(&self, certificates: &[Certificates]) -> ServerNames {
        let mut names = ServerNames::default();
        let keys = |listener: &Certificates| {
            let keys = listener.secrets.iter().filter_map(|(name, _)| Some(self.identity(name)?.1.clone()));
            (listener.hosts.clone(), keys.collect::<Vec<_>>())
        };
        let listeners: Vec<_> = certificates.iter().map(keys).collect();
        for (hosts, keys) in listeners.iter().filter(|(_, keys)| keys.len() == 1) {
            keys.iter().for_each(|identity| names.insert(hosts.clone(), Arc::clone(&identity.key)));
        }
        for (hosts, keys) in listeners.iter().filter(|(_, keys)| keys.len() > 1) {
            for identity in keys {
                for name in identity.statement.names.iter().filter(|name| covers(hosts, name)) {
                    names.insert(name.clone(), Arc::clone(&identity.key));
                }
            }
            keys.iter().take(1).for_each(|identity| names.insert(hosts.clone(), Arc::clone(&identity.key)));
        }
        if let Some(identity) = listeners.iter().find_map(|(_, keys)| keys.first()) {
            names.insert(HostPattern::Any, Arc::clone(&identity.key));
        }
        names
    }
}

/// Whether every name of `inner` is one of `outer`.
fn covers(outer: &HostPattern, inner: &HostPattern) -> bool {
    match (outer, inner) {
        (HostPattern::Any, _) => true,
        (outer, HostPattern::Exact(name)) => outer.matches(name),
        (HostPattern::Wildcard(outer), HostPattern::Wildcard(inner)) => inner.ends_with(&**outer),
        _ => false,
    }
}

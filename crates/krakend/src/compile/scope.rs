//! What compiling has at hand.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use bytes::Bytes;

use super::{File, Files, tls};
use crate::place::{Path, Place};
use crate::plan::Plan;
use crate::problem::Report;
use crate::quote::quoted;

/// What a configuration is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigName {
    /// Its namespace.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for ConfigName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.namespace, self.name)
    }
}

/// What compiling a configuration has at hand, and where it puts what proxies need beside its route.
pub(crate) struct Scope<'a> {
    pub(crate) config: &'a ConfigName,
    pub(crate) plan: &'a Plan,
    pub(crate) report: &'a Report,
    pub(crate) files: &'a Files,
    /// Tokens that are revoked.
    pub(super) revoked: &'a [String],
    resources: RefCell<BTreeMap<Arc<str>, Offered>>,
    secrets: RefCell<BTreeSet<Arc<str>>>,
    /// TLS towards all hosts, made once.
    tls: OnceCell<config::ClientTls>,
}

/// A resource that proxies need beside the route. May hold keys, so it is not printed.
#[derive(Clone, PartialEq)]
pub(crate) struct Offered {
    pub(crate) resource: Resource,
    /// Name of the BackendPolicy that a backend has.
    pub(crate) policy: Option<String>,
    /// Secrets that it needs in turn.
    pub(crate) needs: Vec<Arc<str>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(config: &'a ConfigName, plan: &'a Plan, files: &'a Files, report: &'a Report) -> Self {
        Self {
            config,
            plan,
            report,
            files,
            revoked: &[],
            resources: RefCell::default(),
            secrets: RefCell::default(),
            tls: OnceCell::new(),
        }
    }

    /// The same, where these tokens are revoked.
    pub(super) fn with_revoked(self, revoked: &'a [String]) -> Self {
        Self { revoked, ..self }
    }

    /// Has proxies get a resource beside the route. Of one name the last counts.
    pub(crate) fn offer(&self, name: &Arc<str>, resource: Resource) {
        let offered = Offered { resource, policy: None, needs: Vec::new() };
        self.resources.borrow_mut().insert(name.clone(), offered);
    }

    /// Has proxies get a backend, unless there is one of this name already.
    pub(super) fn offer_backend(&self, name: &Arc<str>, policy: Option<&str>, make: impl FnOnce() -> config::Backend) {
        if self.resources.borrow().contains_key(name) {
            return;
        }
        let backend = make();
        let needs = backend.tls.iter().filter(|tls| !tls.client_certificate.is_empty());
        let needs = needs.map(|tls| tls.client_certificate.as_str().into()).collect();
        let offered = Offered { resource: Resource::Backend(backend), policy: policy.map(str::to_owned), needs };
        self.resources.borrow_mut().insert(name.clone(), offered);
    }

    /// A backend that proxies get already.
    pub(super) fn offered_backend(&self, name: &str) -> Option<config::Backend> {
        match &self.resources.borrow().get(name)?.resource {
            Resource::Backend(backend) => Some(backend.clone()),
            _ => None,
        }
    }

    /// Has proxies get a Secret as it is stored.
    pub(super) fn need_secret(&self, name: Arc<str>) {
        self.secrets.borrow_mut().insert(name);
    }

    /// What proxies need beside the route, by name: what is made for it, and stored Secrets.
    pub(crate) fn into_resources(self) -> (BTreeMap<Arc<str>, Offered>, BTreeSet<Arc<str>>) {
        (self.resources.into_inner(), self.secrets.into_inner())
    }

    /// TLS towards hosts.
    pub(super) fn client_tls(&self) -> config::ClientTls {
        self.tls.get_or_init(|| tls::client(self)).clone()
    }

    /// The content of a file that the configuration names. That it is missing is told, if the files are known at all.
    pub(crate) fn file(&self, name: &str, place: Place, path: &Path<'_>) -> Option<Bytes> {
        let file = match self.files {
            Files::Unknown => return None,
            Files::Given(_) => self.files.get(name),
        };
        let missing = match file {
            Some(file) if file.content().is_some() => return file.content().cloned(),
            Some(File::Secret { name: secret, key, .. }) => {
                format!("{} is key {} of Secret {secret}, and that is not there", quoted(name), quoted(key))
            }
            _ => format!("the file {} is not in spec.files", quoted(name)),
        };
        self.report.not_served(place, path, missing);
        None
    }
}

//! One backend in force: what the request path holds of it, and what keeps that up to date.

use std::sync::Arc;

use backstay_balancer::{Breakers, Start};
use backstay_dns_cache::{Cache, Settings as CacheSettings};
use backstay_model::{self as model, Fault};
use rustls::RootCertStore;
use rustls::sign::CertifiedKey;

use super::build_context::BuildContext;
use super::supervisor::EndpointSupervisor;
use crate::dns::{DynamicResolve, Following};
use backstay_upstream::counts::BackendMetrics;
use backstay_upstream::tls::{ClientTls, client_tls};
use backstay_upstream::{Addresses, Backend, BackendParts, Discovery, Dynamic};

#[derive(Debug)]
pub(super) struct BackendItem {
    pub(super) plan: model::Backend,
    /// `None` while its secret is not there, if there was nothing to serve before.
    pub(super) backend: Option<Arc<Backend>>,
    /// Whether `backend` is of an earlier plan, since a secret of this one is not there.
    waits: bool,
    /// What feeds its discovery.
    pub(super) feed: Option<Feed>,
    pub(super) metrics: Arc<BackendMetrics>,
    pub(super) breakers: Arc<Breakers>,
    secrets: Secrets,
    /// Looks after its endpoints.
    _supervisor: Option<EndpointSupervisor>,
}

#[derive(Debug)]
pub(super) enum Feed {
    Following(Following),
    Cache(Arc<Cache>),
}

/// What the secrets of a backend hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets {
    pub(super) roots: Option<Arc<RootCertStore>>,
    pub(super) certificate: Option<Arc<CertifiedKey>>,
}

impl Secrets {
    /// Whether these are the same objects.
    fn are(&self, others: &Self) -> bool {
        let pointers =
            |secrets: &Self| (secrets.roots.as_ref().map(Arc::as_ptr), secrets.certificate.as_ref().map(Arc::as_ptr));
        pointers(self) == pointers(others)
    }
}

impl BackendItem {
    /// The secrets that it needs.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.plan.tls.iter().flat_map(|tls| tls.secrets())
    }

    pub(super) fn cache(&self) -> Option<&Arc<Cache>> {
        match self.feed.as_ref()? {
            Feed::Cache(cache) => Some(cache),
            Feed::Following(_) => None,
        }
    }

    /// Builds a backend; without `secrets`, one of which is missing, one that waits. Takes over what lives longer than one
    /// version of it from `previous`.
    pub(super) fn build(
        name: &Arc<str>,
        plan: model::Backend,
        secrets: Option<Secrets>,
        previous: Option<&Self>,
        context: &BuildContext,
    ) -> Result<Self, Fault> {
        let begin = || {
            let metrics = BackendMetrics::default();
            metrics.count_by(context.bounds.as_ref());
            Arc::new(metrics)
        };
        let metrics = previous.map_or_else(begin, |previous| Arc::clone(&previous.metrics));
        let breakers = match previous {
            Some(previous) => {
                previous.breakers.set_limits(&plan.limits);
                Arc::clone(&previous.breakers)
            }
            None => Breakers::new(&plan.limits),
        };
        let Some(secrets) = secrets else {
            let secrets = Secrets::default();
            return Ok(Self {
                plan,
                backend: None,
                waits: false,
                feed: None,
                metrics,
                breakers,
                secrets,
                _supervisor: None,
            });
        };
        // What is served while a plan waits may connect in another way.
        let alike = previous.filter(|previous| !previous.waits && previous.plan.connects_as(&plan));
        let replaced = alike.and_then(|previous| previous.backend.as_ref());
        let tls = Self::tls(alike, &plan, &secrets)?;
        let backend = |parts| match replaced {
            Some(replaced) => replaced.successor(parts),
            None => Backend::new(parts),
        };
        let parts = |discovery| BackendParts {
            name: Arc::clone(name),
            spec: Arc::clone(&plan.spec),
            discovery,
            tls,
            metrics: Arc::clone(&metrics),
            breakers: Arc::clone(&breakers),
        };
        let (backend, feed) = match &plan.discovery {
            model::Discovery::Static(endpoints) => {
                let addresses = Self::starting_addresses(previous, &plan);
                let backend = backend(parts(Discovery::Addresses(addresses)));
                let following = Following::start(&backend, endpoints, &context.dns, &context.runtime);
                (backend, Feed::Following(following))
            }
            model::Discovery::Dynamic(found) => {
                let model::DynamicDiscovery { settings, allowed, loops } = &**found;
                let cache = Self::configured_cache(name, settings, previous, context)?;
                let resolve = Arc::new(DynamicResolve(Arc::clone(&cache)));
                let dynamic = Dynamic { resolve, allowed: allowed.clone(), loops: loops.clone() };
                let backend = backend(parts(Discovery::Dynamic(dynamic)));
                (backend, Feed::Cache(cache))
            }
        };
        let supervisor = EndpointSupervisor::start(&backend, context);
        Ok(Self {
            plan,
            backend: Some(backend),
            waits: false,
            feed: Some(feed),
            metrics,
            breakers,
            secrets,
            _supervisor: supervisor,
        })
    }

    /// TLS to the endpoints, if the plan says so: that of `alike`, the version before which connects in the same way, where nothing
    /// of it has changed.
    fn tls(alike: Option<&Self>, plan: &model::Backend, secrets: &Secrets) -> Result<Option<ClientTls>, Fault> {
        let Some(tls) = &plan.tls else { return Ok(None) };
        if let Some(alike) = alike.filter(|alike| alike.secrets.are(secrets))
            && let Some(backend) = &alike.backend
        {
            // Its sessions can be resumed.
            return Ok(backend.tls.clone());
        }
        let made = client_tls(tls, plan.spec.protocol, secrets.roots.clone(), secrets.certificate.clone());
        made.map(Some).map_err(|error| Fault::new("tls", error.to_string()))
    }

    /// The addresses that a backend with a list of them begins with: those that the one before had, so that names are not unknown
    /// again.
    fn starting_addresses(previous: Option<&Self>, plan: &model::Backend) -> Addresses {
        let start = if plan.spec.policy.health.is_empty() { Start::Usable } else { Start::AwaitCheck };
        match previous.and_then(Self::addresses) {
            Some(previous) => Addresses::following(previous, start),
            None => Addresses::new(Vec::new(), start),
        }
    }

    /// The DNS cache of a dynamic backend, held to `settings`: that of the version before, if there is one.
    fn configured_cache(
        name: &str,
        settings: &CacheSettings,
        previous: Option<&Self>,
        context: &BuildContext,
    ) -> Result<Arc<Cache>, Fault> {
        let cache = match previous.and_then(Self::cache) {
            Some(cache) => cache.configure(settings.clone()).map(|()| Arc::clone(cache)),
            None => context.dns.cache(name, settings.clone()),
        };
        cache.map_err(|error| {
            Fault::new(format!("dynamic_forward.dns_cache.{}", error.field), format!("must be {}", error.rule))
        })
    }

    fn addresses(&self) -> Option<&Addresses> {
        match &self.backend.as_ref()?.discovery {
            Discovery::Addresses(list) => Some(list),
            Discovery::Dynamic(_) => None,
        }
    }

    /// Notes `plan`, one of whose secrets is missing. What is served stays as it is until that is there, for the secret may
    /// be one that was refused. Returns whether anything is served.
    pub(super) fn wait(&mut self, plan: &model::Backend) -> bool {
        if self.backend.is_some() {
            self.plan = plan.clone();
            self.waits = true;
        }
        self.backend.is_some()
    }

    /// Changes only where endpoints come from, if that is all that `plan` changes. The backend keeps its identity then.
    pub(super) fn follow(&mut self, plan: &model::Backend, context: &BuildContext) -> bool {
        let elsewhere = plan.is_elsewhere(&self.plan);
        let Some(backend) = self.backend.as_ref().filter(|_| elsewhere && !self.waits) else {
            return false;
        };
        match (&self.plan.discovery, &plan.discovery) {
            (model::Discovery::Static(_), model::Discovery::Static(endpoints)) => {
                let following = Following::start(backend, endpoints, &context.dns, &context.runtime);
                self.feed = Some(Feed::Following(following));
            }
            (model::Discovery::Dynamic(old), model::Discovery::Dynamic(new))
                if (&old.allowed, &old.loops) == (&new.allowed, &new.loops) =>
            {
                // The settings were checked with the plan.
                if self.cache().is_none_or(|cache| cache.configure(new.settings.clone()).is_err()) {
                    return false;
                }
            }
            _ => return false,
        }
        self.plan = plan.clone();
        true
    }
}

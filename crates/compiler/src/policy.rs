//! What a BackendPolicy adds to the Backends it is for.

mod balancing;
mod dynamic;
mod endpoints;
mod fault;
mod health;
mod outlier;
mod requests;
mod tls;

use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::endpoint::Host;
use backstay_proto::config::health_check::Kind as HealthKind;
use backstay_resources::backstay::{BACKEND_POLICY, BackendPolicy, BackendPolicySpec};
use backstay_resources::{GoDuration, Object};

pub(crate) use self::fault::{Misfit, PolicyFault};
use crate::backend::duration;
use crate::hostname;
use crate::secret::SecretUse;

/// How much of what is wrong with a policy its status says at most: the first of it.
pub(crate) const MAX_SENTENCES: usize = 5;

/// A BackendPolicy, checked as far as it can be alone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PolicyModel {
    /// Names of Backends, each once, in the order of the spec.
    pub(crate) targets: Vec<Arc<str>>,
    /// A Secret with the authorities to trust.
    pub(crate) authority: Option<SecretUse>,
    /// A Secret with the certificate to present.
    pub(crate) certificate: Option<SecretUse>,
    spec: BackendPolicySpec,
}

impl PolicyModel {
    /// Reads a BackendPolicy. The rules are those of the API, which what is stored need not have come through.
    pub(crate) fn parse(object: &Object) -> Result<Self, PolicyFault> {
        let mut object = object.clone();
        (BACKEND_POLICY.default)(&mut object);
        let spec = object.typed::<BackendPolicy>()?.spec;
        let wrong = (BACKEND_POLICY.validate)(&object, None);
        if !wrong.is_empty() {
            let sentences: Vec<String> = wrong.iter().take(MAX_SENTENCES).map(ToString::to_string).collect();
            return Err(PolicyFault::Invalid(sentences.join("; ")));
        }
        Ok(Self {
            targets: spec.target_refs.iter().map(|target| target.name.as_str().into()).collect(),
            authority: spec.tls.as_ref().and_then(tls::authority),
            certificate: spec.tls.as_ref().and_then(tls::certificate),
            spec,
        })
    }

    /// The Secrets it refers to.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretUse> {
        self.authority.iter().chain(&self.certificate)
    }

    /// Whether it has any certificate accepted.
    pub(crate) fn is_insecure(&self) -> bool {
        self.spec.tls.as_ref().is_some_and(|tls| tls.insecure_skip_verify)
    }

    /// Adds its settings to the Backend `name`. Returns what cannot apply to it.
    ///
    /// The rest does apply: were it left out as well, a mistake in one section would take away what another protects,
    /// such as the authorities that are trusted.
    pub(crate) fn apply(&self, name: &Arc<str>, backend: &mut config::Backend) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        self.apply_tls(name, backend, &mut misfits);
        backend.timeouts = self.spec.timeouts.as_ref().map(requests::timeouts);
        self.apply_limits(name, backend, &mut misfits);
        backend.retries = self.spec.retries.as_ref().map(requests::retries);
        self.apply_connections(name, backend, &mut misfits);
        self.apply_host(name, backend, &mut misfits);
        match &mut backend.discovery {
            Some(Discovery::DynamicForward(forward)) => {
                misfits.extend(self.for_endpoints().map(|section| Misfit::NeedsEndpoints(name.clone(), section)));
                if let Some(settings) = &self.spec.dynamic_proxy {
                    dynamic::extend(settings, name, forward, &mut misfits);
                }
            }
            Some(Discovery::Static(list)) => {
                self.apply_endpoints(name, list, &mut misfits);
                self.apply_choice(name, backend, &mut misfits);
            }
            None => {}
        }
        misfits
    }

    fn apply_tls(&self, name: &Arc<str>, backend: &mut config::Backend, misfits: &mut Vec<Misfit>) {
        let Some(settings) = &self.spec.tls else { return };
        if backend.tls.is_none() {
            misfits.push(Misfit::TlsOnPlaintext(name.clone()));
            return;
        }
        let mut tls = tls::client_tls(settings);
        if let Some(problem) = tls::alpn_problem(&tls.alpn, backend.protocol()) {
            misfits.push(Misfit::Alpn(name.clone(), problem));
            tls.alpn.clear();
        }
        backend.tls = Some(tls);
    }

    fn apply_limits(&self, name: &Arc<str>, backend: &mut config::Backend, misfits: &mut Vec<Misfit>) {
        let mut limits = self.spec.limits.as_ref().map(requests::limits);
        if let Some(limits) = &mut limits
            && limits.reject_when_full
            && speaks_http2(backend)
        {
            misfits.push(Misfit::NeedsHttp1(name.clone(), "limits.rejectWhenFull".to_owned()));
            limits.reject_when_full = false;
        }
        backend.limits = limits;
    }

    fn apply_connections(&self, name: &Arc<str>, backend: &mut config::Backend, misfits: &mut Vec<Misfit>) {
        let mut connections = self.spec.connections.as_ref().map(requests::connections);
        if let Some(connections) = &mut connections
            && connections.max_concurrent_streams > 0
            && !speaks_http2(backend)
        {
            misfits.push(Misfit::NeedsHttp2(name.clone(), "connections.maxConcurrentStreams".to_owned()));
            connections.max_concurrent_streams = 0;
        }
        backend.connections = connections;
    }

    fn apply_host(&self, name: &Arc<str>, backend: &mut config::Backend, misfits: &mut Vec<Misfit>) {
        let Some(rewrite) = &self.spec.host else { return };
        // A name that no host has is no host to send.
        let named = |endpoint: &config::Endpoint| match &endpoint.host {
            Some(Host::Fqdn(name)) => hostname::is_name(name),
            _ => false,
        };
        match &backend.discovery {
            Some(Discovery::DynamicForward(_)) if rewrite.automatic => {
                misfits.push(Misfit::AutomaticAlready(name.clone()));
            }
            Some(Discovery::Static(list)) if rewrite.automatic && !list.endpoints.iter().any(named) => {
                misfits.push(Misfit::NoNameToSend(name.clone()));
            }
            _ => backend.host = Some(requests::host(rewrite)),
        }
    }

    fn apply_endpoints(&self, name: &Arc<str>, list: &mut config::StaticEndpoints, misfits: &mut Vec<Misfit>) {
        if let Some(discovery) = &self.spec.discovery {
            endpoints::doubt(discovery, name, list, misfits);
        }
        let list = list.endpoints.as_mut_slice();
        endpoints::describe(&self.spec.endpoints, name, list, misfits);
        if self.spec.load_balancing.as_ref().is_some_and(|settings| settings.locality_weighted) {
            endpoints::place_all(list);
        }
        if let Some(family) = self.spec.discovery.as_ref().and_then(|discovery| discovery.dns_lookup_family)
            && endpoints::prefer(family, list) == 0
        {
            misfits.push(Misfit::NoNames(name.clone()));
        }
        if let Some(srv) = self.spec.discovery.as_ref().and_then(|discovery| discovery.srv.as_ref())
            && let Err(misfit) = endpoints::discover(srv, name, list)
        {
            misfits.push(misfit);
        }
        if self.spec.dynamic_proxy.is_some() {
            misfits.push(Misfit::NeedsDynamicProxy(name.clone()));
        }
    }

    /// How endpoints are chosen and judged.
    fn apply_choice(&self, name: &Arc<str>, backend: &mut config::Backend, misfits: &mut Vec<Misfit>) {
        backend.load_balancing = self.spec.load_balancing.as_ref().map(balancing::load_balancing);
        backend.outlier_detection = self.spec.outlier_detection.as_ref().map(outlier::outlier_detection);
        let http2 = speaks_http2(backend);
        for (index, check) in self.spec.health_checks.iter().map(health::health_check).enumerate() {
            if matches!(check.kind, Some(HealthKind::Grpc(_))) && !http2 {
                misfits.push(Misfit::NeedsHttp2(name.clone(), format!("healthChecks[{index}].grpc")));
            } else if matches!(&check.kind, Some(HealthKind::Http(http)) if http.http10) && http2 {
                misfits.push(Misfit::NeedsHttp1(name.clone(), format!("healthChecks[{index}].http.version")));
            } else {
                backend.health_checks.push(check);
            }
        }
    }

    /// The sections that are of no use without endpoints.
    fn for_endpoints(&self) -> impl Iterator<Item = &'static str> {
        let sections = [
            ("loadBalancing", self.spec.load_balancing.is_some()),
            ("endpoints", !self.spec.endpoints.is_empty()),
            ("discovery", self.spec.discovery.is_some()),
            ("outlierDetection", self.spec.outlier_detection.is_some()),
            ("healthChecks", !self.spec.health_checks.is_empty()),
        ];
        sections.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name)
    }
}

fn speaks_http2(backend: &config::Backend) -> bool {
    matches!(backend.protocol(), Protocol::Http2 | Protocol::Http2Tls)
}

fn span(span: Option<GoDuration>) -> Option<prost_types::Duration> {
    span.map(|span| duration(span.0))
}

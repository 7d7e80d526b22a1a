//! How the backends of what is active fare: an extension, since Fastly's own API does not tell.

use std::fmt;
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::record::{self, Record};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use crate::compile::backend_resource;
use crate::object::{Backend, ServiceSpec, VersionSpec};

/// Who knows how backends fare.
pub trait Health: Send + Sync + fmt::Debug {
    /// What proxies say of a backend, by its resource. Empty where none says anything.
    fn of(&self, resource: &str) -> Vec<ProxyHealth>;
}

/// How a backend fares, as one proxy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyHealth {
    /// What the proxy calls itself.
    pub proxy: Arc<str>,
    /// Endpoints that get requests.
    pub healthy: u32,
    /// Endpoints that get requests where no healthy one is left.
    pub degraded: u32,
    /// Endpoints that get none.
    pub unhealthy: u32,
    /// Why one of the unhealthy ones does not.
    pub reason: Box<str>,
}

/// Nobody says anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoReports;

impl Health for NoReports {
    fn of(&self, _: &str) -> Vec<ProxyHealth> {
        Vec::new()
    }
}

impl ProxyHealth {
    fn state(&self) -> &'static str {
        match self {
            Self { healthy: 0, degraded: 0, .. } => "unhealthy",
            Self { degraded: 0, unhealthy: 0, .. } => "healthy",
            _ => "degraded",
        }
    }
}

/// Answers for `/service/ID/backend_health`.
pub(crate) async fn all(api: &Api, call: &Call, id: &str) -> Result<Reply, Failure> {
    let (service, version) = read(api, call, id).await?;
    Ok(Reply::new(version.backends.iter().map(|backend| render(api, &service, &version, backend)).collect::<Vec<_>>()))
}

/// Answers for `/service/ID/backend_health/NAME`.
pub(crate) async fn one(api: &Api, call: &Call, id: &str, name: &str) -> Result<Reply, Failure> {
    let (service, version) = read(api, call, id).await?;
    let backend = version.backends.iter().find(|backend| backend.name == name);
    let number = version.number.to_string();
    let which = [("name", name), ("service", id), ("version", number.as_str())];
    let backend = backend.ok_or_else(|| Failure::not_found("Backend", &which))?;
    Ok(Reply::new(render(api, &service, &version, backend)))
}

async fn read(api: &Api, call: &Call, id: &str) -> Result<(Record<ServiceSpec>, VersionSpec), Failure> {
    if call.method != Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, id)?;
    let version = record::active_version(&snapshot, &service)?.typed()?;
    Ok((service, version))
}

/// A backend as answers have it.
pub(crate) fn render(api: &Api, service: &Record<ServiceSpec>, version: &VersionSpec, backend: &Backend) -> Value {
    let told = api.options.health.of(&backend_resource(service.name(), &backend.name));
    let check = backend.healthcheck.as_deref().filter(|name| !name.is_empty());
    let all_are = |state: &str| told.iter().all(|health| health.state() == state);
    let state = match (told.is_empty(), check) {
        (true, None) => "unchecked",
        (true, Some(_)) => "unknown",
        _ if all_are("healthy") => "healthy",
        _ if all_are("unhealthy") => "unhealthy",
        _ => "degraded",
    };
    let proxies: Vec<Value> = told
        .iter()
        .map(|health| {
            json!({
                "id": health.proxy, "state": health.state(), "healthy": health.healthy, "degraded": health.degraded,
                "unhealthy": health.unhealthy,
                "reason": Some(&health.reason).filter(|reason| !reason.is_empty()),
            })
        })
        .collect();
    json!({
        "service_id": service.name(), "version": version.number, "name": backend.name, "healthcheck": check,
        "state": state, "drained": service.spec.drained_backends.contains(&backend.name), "proxies": proxies,
    })
}

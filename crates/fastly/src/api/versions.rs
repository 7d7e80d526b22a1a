//! Versions of a service.

use backstay_store::Snapshot;
use http::Method;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::record::{self, Record, VersionMap, now};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use crate::object::{FASTLY_VERSION, ServiceSpec, Settings, version_name};

/// A version that a path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) service: &'a str,
    pub(crate) number: u32,
}

impl<'a> Place<'a> {
    /// Reads the number of a version in a path.
    pub(crate) fn parse(service: &'a str, number: &str) -> Result<Self, Failure> {
        match number.parse() {
            Ok(number) => Ok(Self { service, number }),
            Err(_) => Err(Failure::not_found("Version", &[("service", service), ("version", number)])),
        }
    }
}

/// The service and a version of it whose parts can be changed.
pub(crate) fn editable(
    snapshot: &Snapshot,
    call: &Call,
    place: Place<'_>,
) -> Result<(Record<ServiceSpec>, Record<VersionMap>), Failure> {
    let service = record::service(snapshot, &call.identity, place.service)?;
    let version = record::version(snapshot, place.service, place.number)?;
    if version.is_locked() {
        return Err(Failure::locked(place.service, place.number));
    }
    Ok((service, version))
}

/// A version as answers have it.
pub(crate) fn render(service: &Record<ServiceSpec>, version: &Record<VersionMap>) -> Map<String, Value> {
    let number = version.number();
    let stored = |name: &str| version.spec.get(name).cloned().unwrap_or_default();
    let staged = service.spec.staged == Some(number);
    let environments = if staged { staging(service) } else { json!([]) };
    let answer = json!({
        "number": number, "service_id": service.name(), "active": service.spec.active == Some(number),
        "locked": version.is_locked(), "deployed": false, "staging": staged, "testing": false,
        "comment": stored("comment"), "created_at": stored("created_at"), "updated_at": stored("updated_at"),
        "deleted_at": null, "environments": environments,
    });
    match answer {
        Value::Object(answer) => answer,
        _ => Map::new(),
    }
}

/// Where else than in production a version of the service is.
pub(crate) fn staging(service: &Record<ServiceSpec>) -> Value {
    match service.spec.staged {
        Some(number) => json!([{"name": "staging", "service_id": service.name(), "active_version": number}]),
        None => json!([]),
    }
}

/// A new version without any parts.
pub(crate) fn empty(service: &str, number: u32, comment: &str) -> Result<Record<VersionMap>, Failure> {
    let settings = serde_json::to_value(Settings::default()).map_err(|error| Failure::damaged(service, &error))?;
    let at = now();
    let spec = json!({
        "service": service, "number": number, "locked": false, "comment": comment, "settings": settings,
        "created_at": at, "updated_at": at,
    });
    let spec = spec.as_object().cloned().unwrap_or_default();
    Ok(Record::new(&FASTLY_VERSION, &version_name(service, number), spec))
}

/// Answers for `/service/ID/version`.
pub(crate) async fn collection(api: &Api, call: &Call, service: &str) -> Result<Reply, Failure> {
    match call.method {
        Method::GET => {
            let snapshot = api.snapshot().await?;
            let service = record::service(&snapshot, &call.identity, service)?;
            let versions = record::versions(&snapshot, service.name())?;
            Ok(Reply::new(versions.iter().map(|version| render(&service, version)).collect::<Vec<_>>()))
        }
        Method::POST => {
            api.change(service, |snapshot| {
                let mut service = record::service(snapshot, &call.identity, service)?;
                let number = next(api, &mut service)?;
                let version = empty(service.name(), number, call.fields.text("comment").unwrap_or_default())?;
                let answer = render(&service, &version);
                Ok((vec![service.put()?, version.put()?], Reply::new(answer)))
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// The number of a new version, which no other will have.
fn next(api: &Api, service: &mut Record<ServiceSpec>) -> Result<u32, Failure> {
    let most = api.options.max_versions;
    if service.spec.last_version >= most {
        return Err(Failure::bad_request(format!("A service has at most {most} versions")));
    }
    service.spec.last_version += 1;
    Ok(service.spec.last_version)
}

/// Answers for `/service/ID/version/active`.
pub(crate) async fn active(api: &Api, call: &Call, service: &str) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, service)?;
    let version = record::active_version(&snapshot, &service)?;
    Ok(Reply::new(render(&service, &version)))
}

/// Answers for `/service/ID/version/N`.
pub(crate) async fn one(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    match call.method {
        Method::GET => {
            let snapshot = api.snapshot().await?;
            let service = record::service(&snapshot, &call.identity, place.service)?;
            Ok(Reply::new(render(&service, &record::version(&snapshot, place.service, place.number)?)))
        }
        // The comment is no part of what is served: it can be changed always.
        Method::PUT => {
            api.change(place.service, |snapshot| {
                let service = record::service(snapshot, &call.identity, place.service)?;
                let mut version = record::version(snapshot, place.service, place.number)?;
                if let Some(comment) = call.fields.get("comment") {
                    let comment = comment.as_str().unwrap_or_default();
                    version.spec.insert("comment".to_owned(), comment.into());
                    version.touch();
                }
                let answer = render(&service, &version);
                Ok((vec![version.put()?], Reply::new(answer)))
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// Copies a version, whichever it is, to a new one.
pub(crate) async fn clone(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let mut service = record::service(snapshot, &call.identity, place.service)?;
        let source = record::version(snapshot, place.service, place.number)?;
        let number = next(api, &mut service)?;
        let mut spec = source.spec.clone();
        spec.insert("number".to_owned(), number.into());
        spec.insert("locked".to_owned(), false.into());
        spec.insert("updated_at".to_owned(), now());
        let version = Record::new(&FASTLY_VERSION, &version_name(place.service, number), spec);
        let answer = render(&service, &version);
        // As it was read: not one half of what somebody is writing.
        Ok((vec![service.put()?, version.put()?, source.guard()], Reply::new(answer)))
    })
    .await
}

/// Locks a version: its parts no longer change. There is no way back.
pub(crate) async fn lock(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let service = record::service(snapshot, &call.identity, place.service)?;
        let mut version = record::version(snapshot, place.service, place.number)?;
        if version.is_locked() {
            return Ok((Vec::new(), Reply::new(render(&service, &version))));
        }
        set_locked(&mut version);
        let answer = render(&service, &version);
        Ok((vec![version.put()?], Reply::new(answer)))
    })
    .await
}

/// From now on the parts of the version do not change.
pub(crate) fn set_locked(version: &mut Record<VersionMap>) {
    version.spec.insert("locked".to_owned(), true.into());
    version.touch();
}

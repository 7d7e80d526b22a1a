//! Putting a version in force: validated first, then one commit that makes the service name it.

pub(crate) mod claims;

use http::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::verdict::Findings;
use super::versions::{Place, render, set_locked};

/// Says whether a version could be activated, and what of it would not be as it seems.
pub(crate) async fn validate(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, place.service)?;
    let version = record::version(&snapshot, place.service, place.number)?;
    let mut findings = Findings::of(api, &service, &version.typed()?);
    if let Err(taken) = claims::take(&snapshot, &call.identity, place.service, &version) {
        findings.errors.extend(taken.detail);
    }
    let (status, message) = match findings.refusal() {
        Some(refusal) => ("error", Value::from(refusal)),
        None => ("ok", findings.message()),
    };
    let Findings { errors, warnings } = findings;
    let body = json!({"status": status, "msg": message, "errors": errors, "warnings": warnings, "messages": []});
    Ok(Reply::new(body))
}

/// Serves a version from now on, in place of the one that was served. A version that is served already stays.
pub(crate) async fn activate(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let mut service = record::service(snapshot, &call.identity, place.service)?;
        let mut version = record::version(snapshot, place.service, place.number)?;
        let findings = Findings::of(api, &service, &version.typed()?);
        if let Some(refusal) = findings.refusal() {
            return Err(Failure::bad_request(refusal));
        }
        let mut writes = Vec::new();
        if service.spec.active != Some(place.number) {
            writes = claims::take(snapshot, &call.identity, place.service, &version)?;
            if let Some(number) = service.spec.active {
                let before = record::version(snapshot, place.service, number)?;
                writes.extend(claims::release(snapshot, place.service, &before, Some(&version)));
            }
            service.spec.active = Some(place.number);
            service.spec.updated_at = Some(backstay_resources::Timestamp::now());
            if version.is_locked() {
                writes.push(version.guard());
            } else {
                set_locked(&mut version);
                writes.push(version.clone().put()?);
            }
        }
        let mut answer = render(&service, &version);
        answer.insert("msg".to_owned(), findings.message());
        if !writes.is_empty() {
            writes.push(service.put()?);
        }
        Ok((writes, Reply::new(answer)))
    })
    .await
}

/// Serves nothing of the service any more, if the version is what it serves.
pub(crate) async fn deactivate(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let mut service = record::service(snapshot, &call.identity, place.service)?;
        let version = record::version(snapshot, place.service, place.number)?;
        let mut writes = Vec::new();
        if service.spec.active == Some(place.number) {
            service.spec.active = None;
            service.spec.updated_at = Some(backstay_resources::Timestamp::now());
            writes = claims::release(snapshot, place.service, &version, None);
            writes.push(service.clone().put()?);
        }
        Ok((writes, Reply::new(render(&service, &version))))
    })
    .await
}

/// What becomes of the mark that a version is staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Staging {
    /// It gets it, and is locked.
    Set,
    /// It loses it.
    Clear,
}

/// Marks a version as staged, or no longer. There is no staging network: the mark is all there is.
pub(crate) async fn stage(api: &Api, call: &Call, place: Place<'_>, staging: Staging) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let mut service = record::service(snapshot, &call.identity, place.service)?;
        let mut version = record::version(snapshot, place.service, place.number)?;
        let is_staged = service.spec.staged == Some(place.number);
        let mut writes = Vec::new();
        match staging {
            Staging::Set if !is_staged => {
                if let Some(refusal) = Findings::of(api, &service, &version.typed()?).refusal() {
                    return Err(Failure::bad_request(refusal));
                }
                service.spec.staged = Some(place.number);
                set_locked(&mut version);
                writes = vec![service.clone().put()?, version.clone().put()?];
            }
            Staging::Clear if is_staged => {
                service.spec.staged = None;
                writes = vec![service.clone().put()?];
            }
            _ => {}
        }
        let mut answer = render(&service, &version);
        let message = "Warning: there is no staging network: the version is marked as staged, and not served";
        answer.insert("msg".to_owned(), if staging == Staging::Set { message.into() } else { Value::Null });
        Ok((writes, Reply::new(answer)))
    })
    .await
}

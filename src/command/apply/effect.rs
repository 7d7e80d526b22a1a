//! Waiting until proxies serve what was applied.

use std::time::Duration;

use anyhow::Result;
use backstay_proto::admin::{ConnectedProxy, Fleet, Refusal};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::client::{Client, Error, JSON, escape};
use crate::command::object_ref::ObjectRef;
use crate::command::status::{self, report::sentence};

/// A route may name Gateways of which nobody ever says a word.
const ROUTE_PATIENCE: Duration = Duration::from_secs(2);
/// How often the status is asked for.
const PACE: Duration = Duration::from_millis(50);

/// Waits until all of `applied`, of which the newest has `revision`, has taken effect, `patience` at most. Yields a sentence for each that has
/// not and for everything that a proxy refuses.
///
/// # Errors
/// When the control plane cannot be reached.
pub(crate) async fn wait(
    client: &Client,
    applied: &[ObjectRef],
    revision: u64,
    patience: Duration,
) -> Result<Vec<String>> {
    let deadline = Instant::now() + patience;
    let mut missing = Vec::new();
    for target in applied {
        let label = target.resource.label();
        let served: (Judge, _) = (programmed, "is not served");
        let (judges, deadline) = match label.split_once('.').map(|(kind, _)| kind) {
            Some("gateway" | "backend") => (vec![served], deadline),
            Some("krakendconfig") => (vec![(taken as Judge, "is not served as it is"), served], deadline),
            Some("backendpolicy") => (vec![(applies as Judge, "does not apply as it is"), served], deadline),
            Some("httproute") => {
                (vec![(accepted as Judge, "is not served")], deadline.min(Instant::now() + ROUTE_PATIENCE))
            }
            _ => continue,
        };
        for (judge, effect) in judges {
            let mut last = "the control plane has not said anything about it".to_owned();
            let why = match timeout_at(deadline, settled(client, target, judge, &mut last)).await {
                Ok(settled) => settled?,
                Err(_) => Some(last),
            };
            if let Some(why) = why {
                missing.push(format!("{label}/{} {effect}: {why}", target.name));
                break;
            }
        }
    }
    match timeout_at(deadline, answered(client, revision)).await {
        Ok(refusals) => missing.extend(refusals?),
        Err(_) => missing.push("a proxy has not answered in time; see `backstay status`".to_owned()),
    }
    Ok(missing)
}

/// Waits until everything up to `revision` is compiled and every proxy has answered for what its fleet should hold;
/// yields what they refuse.
async fn answered(client: &Client, revision: u64) -> Result<Vec<String>> {
    loop {
        let status = status::fetch(client.server(), None).await?;
        let up_to_date =
            |fleet: &Fleet| fleet.proxies.iter().all(|proxy| proxy.acknowledged_revision >= fleet.revision);
        if status.compiled_revision >= revision && status.fleets.iter().all(up_to_date) {
            let proxies = status.fleets.into_iter().flat_map(|fleet| fleet.proxies);
            let refusals = |proxy: ConnectedProxy| {
                let id = &proxy.id;
                let told = |refusal: &Refusal| format!("{id} refuses {}", sentence(refusal));
                proxy.refused.iter().map(told).collect::<Vec<_>>()
            };
            return Ok(proxies.flat_map(refusals).collect());
        }
        tokio::time::sleep(PACE).await;
    }
}

/// What the status of an object says.
enum Verdict {
    /// It has taken effect, or there is nothing to wait for.
    Done,
    /// It will not take effect by waiting.
    Failed(String),
    /// Not yet, and why.
    Pending(String),
    /// Nothing about the object as it is now.
    Silent,
}

type Judge = fn(&Value) -> Verdict;

/// Waits for a verdict on an object; yields why it has no effect.
async fn settled(
    client: &Client,
    target: &ObjectRef,
    judge: Judge,
    last: &mut String,
) -> Result<Option<String>, Error> {
    let collection = target.resource.collection(Some(&target.namespace));
    let filter = escape(&format!("metadata.name={}", target.name));
    loop {
        let mut watch = client.watch(&format!("{collection}?watch=true&fieldSelector={filter}"), JSON).await?;
        while let Some(event) = watch.next().await? {
            if event.kind == "DELETED" {
                return Ok(None);
            }
            match judge(&event.object) {
                Verdict::Done => return Ok(None),
                Verdict::Failed(why) => return Ok(Some(why)),
                Verdict::Pending(why) => *last = why,
                Verdict::Silent => {}
            }
        }
    }
}

/// The verdict on a Gateway, Backend or BackendPolicy: its condition `Programmed`.
fn programmed(object: &Value) -> Verdict {
    let conditions = &object["status"]["conditions"];
    let Some(condition) = condition(object, conditions, "Programmed") else { return Verdict::Silent };
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    match (text("status"), text("reason")) {
        // A Backend that no route leads to is sent to no proxy, nor is the policy for it.
        ("True", _) | (_, "NotReferenced") => Verdict::Done,
        (_, "Pending") => Verdict::Pending(text("message").to_owned()),
        _ => Verdict::Failed(text("message").to_owned()),
    }
}

/// The verdict on an HTTPRoute: the condition `Accepted` of each parent.
fn accepted(object: &Value) -> Verdict {
    if object["spec"]["parentRefs"].as_array().is_none_or(Vec::is_empty) {
        return Verdict::Failed("it names no Gateway in parentRefs".to_owned());
    }
    let parents = object["status"]["parents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parents.is_empty() {
        return Verdict::Pending("no Gateway that it names in parentRefs is served".to_owned());
    }
    for parent in parents {
        for kind in ["Accepted", "ResolvedRefs"] {
            let Some(condition) = condition(object, &parent["conditions"], kind) else { return Verdict::Silent };
            if condition["status"] != "True" {
                return Verdict::Failed(condition["message"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    Verdict::Done
}

/// The verdict on a KrakendConfig, before that of proxies: `Accepted`.
fn taken(object: &Value) -> Verdict {
    let Some(condition) = condition(object, &object["status"]["conditions"], "Accepted") else {
        return Verdict::Silent;
    };
    match condition["status"] == "True" {
        true => Verdict::Done,
        false => Verdict::Failed(condition["message"].as_str().unwrap_or_default().to_owned()),
    }
}

/// The verdict on a BackendPolicy, before that of proxies: `Accepted` and `ResolvedRefs`.
fn applies(object: &Value) -> Verdict {
    for kind in ["Accepted", "ResolvedRefs"] {
        let Some(condition) = condition(object, &object["status"]["conditions"], kind) else { return Verdict::Silent };
        if condition["status"] != "True" {
            return Verdict::Failed(condition["message"].as_str().unwrap_or_default().to_owned());
        }
    }
    Verdict::Done
}

/// A condition, if it is about the object as it is now.
fn condition<'a>(object: &Value, conditions: &'a Value, kind: &str) -> Option<&'a Value> {
    let condition = conditions.as_array()?.iter().find(|condition| condition["type"] == kind)?;
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    (condition["observedGeneration"].as_i64().unwrap_or_default() >= generation).then_some(condition)
}

#[cfg(test)]
mod tests;

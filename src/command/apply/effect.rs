//! Waiting until what was applied does what the manifests promise.

pub(crate) mod verdict;

use std::time::Duration;

use anyhow::Result;
use backstay_proto::admin::{ConnectedProxy, Fleet, Refusal};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use self::verdict::{Judge, Verdict};
use crate::client::{Client, Error, JSON, Segment, escape};
use crate::command::object_ref::ObjectRef;
use crate::command::status::{self, report::sentence};

/// How long what only another change would mend is waited for, once everything is compiled: that change may be on its way,
/// and a status is written a moment after the change that it is about.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the status is asked for.
const PACE: Duration = Duration::from_millis(50);
/// Objects that are followed at once, each by a watch of its own.
const CONCURRENT_WATCHES: usize = 64;

/// Until when what is waited for.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    /// What another change would mend.
    faults: Instant,
    /// Proxies.
    all: Instant,
}

/// Waits until all of `applied`, of which the newest has `revision`, has taken effect, `patience` at most, which each of them
/// has for itself. Yields a sentence for each that has not, in their order, and for everything that a proxy refuses.
///
/// # Errors
/// When the control plane cannot be reached.
pub(crate) async fn wait(
    client: &Client,
    applied: &[ObjectRef],
    revision: u64,
    patience: Duration,
) -> Result<Vec<String>> {
    let all = Instant::now() + patience;
    // What the statuses said of an earlier state counts for nothing.
    let compiled = timeout_at(all, compiled(client, revision)).await;
    let deadlines = Deadlines { faults: all.min(Instant::now() + PATIENCE), all };
    if let Ok(compiled) = compiled {
        compiled?;
    }
    let judged = applied.iter().filter_map(|target| Some((target, verdict::judge(&target.resource.label())?)));
    let judged = judged.map(|(target, judge)| async move { (target, outcome(client, target, judge, deadlines).await) });
    let outcomes = futures::stream::iter(judged).buffered(CONCURRENT_WATCHES).collect::<Vec<_>>();
    let (outcomes, answers) = tokio::join!(outcomes, timeout_at(deadlines.all, answered(client, revision)));
    let mut missing = Vec::new();
    for (target, outcome) in outcomes {
        let label = target.resource.label();
        missing.extend(outcome?.map(|why| format!("{label}/{} {why}", target.name)));
    }
    match answers {
        Ok(refusals) => missing.extend(refusals?),
        Err(_) => missing.push("a proxy has not answered in time; see `backstay status`".to_owned()),
    }
    Ok(missing)
}

/// Waits until everything up to `revision` is compiled.
async fn compiled(client: &Client, revision: u64) -> Result<()> {
    while status::fetch(client, None).await?.compiled_revision < revision {
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

/// Waits until every proxy has answered for what its fleet should hold; yields what they refuse.
async fn answered(client: &Client, revision: u64) -> Result<Vec<String>> {
    loop {
        let status = status::fetch(client, None).await?;
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

/// Why an object has no effect; `None` when it has.
async fn outcome(
    client: &Client,
    target: &ObjectRef,
    judge: Judge,
    deadlines: Deadlines,
) -> Result<Option<String>, Error> {
    let mut last = Verdict::Silent;
    if let Ok(settled) = timeout_at(deadlines.all, settled(client, target, judge, deadlines.faults, &mut last)).await {
        settled?;
    }
    if matches!(last, Verdict::Silent) {
        // Its turn may have come too late to hear anything.
        match client.get(&target.resource.object(&target.namespace, &target.name), JSON).await {
            Ok(object) => last = judge(&object),
            Err(error) if error.is_not_found() => last = Verdict::Done,
            Err(error) => return Err(error),
        }
    }
    Ok(match last {
        Verdict::Done => None,
        Verdict::Failed(why) | Verdict::Pending(why) => Some(why),
        Verdict::Silent => Some(format!("is not served: {}", why_silent(client, target).await)),
    })
}

/// Follows an object until it is done, or has been at fault for too long. `last` is what was seen last.
async fn settled(
    client: &Client,
    target: &ObjectRef,
    judge: Judge,
    faults: Instant,
    last: &mut Verdict,
) -> Result<(), Error> {
    let collection = target.resource.collection(Some(&target.namespace));
    let filter = escape(&format!("metadata.name={}", target.name));
    loop {
        let mut watch = client.watch(&format!("{collection}?watch=true&fieldSelector={filter}"), JSON).await?;
        loop {
            // What waits for proxies alone has until the end.
            let next = match last {
                Verdict::Pending(_) => Ok(watch.next().await),
                _ => timeout_at(faults, watch.next()).await,
            };
            let Ok(event) = next else { return Ok(()) };
            let Some(event) = event? else { break };
            *last = if event.kind == "DELETED" { Verdict::Done } else { judge(&event.object) };
            if matches!(last, Verdict::Done) {
                return Ok(());
            }
        }
    }
}

/// Why the control plane says nothing about an object.
async fn why_silent(client: &Client, target: &ObjectRef) -> String {
    let silent = "the control plane has not said anything about it".to_owned();
    let Ok(object) = client.get(&target.resource.object(&target.namespace, &target.name), JSON).await else {
        return silent;
    };
    let group = target.resource.api_version();
    if let Some(class) = object["spec"]["gatewayClassName"].as_str() {
        return foreign_class(client, &group, class).await.unwrap_or(silent);
    }
    if verdict::has_no_parents(&object) {
        return "it names no Gateway in parentRefs".to_owned();
    }
    // A route: Gateways of ours that it names would have a word for it.
    for parent in object["spec"]["parentRefs"].as_array().into_iter().flatten() {
        let namespace = parent["namespace"].as_str().unwrap_or(target.namespace.as_str()).parse::<Segment>();
        let (Ok(namespace), Ok(name)) = (namespace, parent["name"].as_str().unwrap_or_default().parse::<Segment>())
        else {
            continue;
        };
        let path = format!("/apis/{group}/namespaces/{}/gateways/{}", namespace.escaped(), name.escaped());
        let Ok(gateway) = client.get(&path, JSON).await else { continue };
        let class = gateway["spec"]["gatewayClassName"].as_str().unwrap_or_default();
        if let Some(why) = foreign_class(client, &group, class).await {
            return format!("Gateway {namespace}/{name}: {why}");
        }
    }
    silent
}

/// That a GatewayClass is another controller's, if it is.
async fn foreign_class(client: &Client, group: &str, class: &str) -> Option<String> {
    let name: Segment = class.parse().ok()?;
    let object: Value = client.get(&format!("/apis/{group}/gatewayclasses/{}", name.escaped()), JSON).await.ok()?;
    let controller = object["spec"]["controllerName"].as_str()?;
    Some(format!("GatewayClass {class} is of the controller {controller}, which is not this one"))
}

#[cfg(test)]
mod tests;

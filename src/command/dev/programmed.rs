//! Waiting until the proxy serves what was applied.

use std::time::Duration;

use anyhow::Result;
use backstay_control_plane::DEFAULT_FLEET;
use serde_json::Value;

use crate::client::{Client, Error, JSON, segment};
use crate::command::apply::{Outcome, Target};
use crate::command::status::{self, report::sentence};
use crate::output::{self, Paint};

/// After this long, whatever is missing is told instead of waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often the status is asked for.
const PACE: Duration = Duration::from_millis(50);

/// Waits until the proxy has answered for everything that was applied and every Gateway and Backend is programmed; tells
/// what it refuses and what is missing.
///
/// # Errors
/// When the control plane cannot be reached.
pub(super) async fn wait(client: &Client, outcome: &Outcome) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let answered = tokio::time::timeout_at(deadline, until_answered(client, outcome.revision)).await;
    let refusals = answered.unwrap_or_else(|_| Ok(Vec::new()))?;
    let paint = Paint::stderr();
    refusals.iter().for_each(|refusal| output::complain(paint.bad(&format!("the proxy refuses {refusal}"))));
    for target in outcome.applied.iter().filter(|target| is_programmed_kind(target)) {
        let mut last = "the control plane has not said anything about it".to_owned();
        let missing = match tokio::time::timeout_at(deadline, until_settled(client, target, &mut last)).await {
            Ok(settled) => settled?,
            Err(_) => Some(last),
        };
        if let Some(why) = missing {
            output::complain(format_args!("{}/{} is not served: {why}", target.resource.label(), target.name));
        }
    }
    Ok(())
}

/// Waits until the proxy has acknowledged the revision or refuses something; yields what it refuses.
async fn until_answered(client: &Client, revision: u64) -> Result<Vec<String>> {
    loop {
        let status = status::fetch(client.server(), DEFAULT_FLEET).await?;
        for proxy in status.fleets.iter().flat_map(|fleet| &fleet.proxies) {
            let refusals: Vec<_> = proxy.refused.iter().map(sentence).collect();
            if !refusals.is_empty() || proxy.acknowledged_revision >= revision {
                return Ok(refusals);
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

fn is_programmed_kind(target: &Target) -> bool {
    let label = target.resource.label();
    label.starts_with("gateway.") || label.starts_with("backend.")
}

/// Waits until the object is programmed, or will not be by waiting; yields why not.
async fn until_settled(client: &Client, target: &Target, last: &mut String) -> Result<Option<String>, Error> {
    let collection = target.resource.collection(Some(&target.namespace));
    let filter = segment(&format!("metadata.name={}", target.name));
    loop {
        let mut watch = client.watch(&format!("{collection}?watch=true&fieldSelector={filter}"), JSON).await?;
        while let Some(event) = watch.next().await? {
            if event.kind == "DELETED" {
                return Ok(None);
            }
            let Some(condition) = programmed(&event.object) else { continue };
            let text = |field: &str| condition[field].as_str().unwrap_or_default();
            match (text("status"), text("reason")) {
                // A Backend that no route leads to is sent to no proxy.
                ("True", _) | (_, "NotReferenced") => return Ok(None),
                (_, "Pending") => text("message").clone_into(last),
                _ => return Ok(Some(text("message").to_owned())),
            }
        }
    }
}

/// The condition `Programmed`, if it is about the object as it is now.
fn programmed(object: &Value) -> Option<&Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let condition = conditions.iter().find(|condition| condition["type"] == "Programmed")?;
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
    (condition["observedGeneration"].as_i64().unwrap_or_default() >= generation).then_some(condition)
}

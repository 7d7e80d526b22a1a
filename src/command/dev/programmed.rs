//! Waiting until the proxy serves what was applied.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::client::{Client, Error, JSON, segment};
use crate::command::apply::Target;
use crate::output;

/// After this long, whatever is missing is told instead of waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until every Gateway and Backend of `targets` is programmed, and tells which are not.
///
/// # Errors
/// When the control plane cannot be reached.
pub(super) async fn wait(client: &Client, targets: &[Target]) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for target in targets.iter().filter(|target| is_programmed_kind(target)) {
        let mut last = None;
        match tokio::time::timeout_at(deadline, until_programmed(client, target, &mut last)).await {
            Ok(done) => done?,
            Err(_) => {
                let why = last.unwrap_or_else(|| "the control plane has not said anything about it".to_owned());
                output::complain(format_args!("{}/{} is not served: {why}", target.resource.label(), target.name));
            }
        }
    }
    Ok(())
}

fn is_programmed_kind(target: &Target) -> bool {
    let label = target.resource.label();
    label.starts_with("gateway.") || label.starts_with("backend.")
}

async fn until_programmed(client: &Client, target: &Target, last: &mut Option<String>) -> Result<(), Error> {
    let collection = target.resource.collection(Some(&target.namespace));
    let filter = segment(&format!("metadata.name={}", target.name));
    loop {
        let mut watch = client.watch(&format!("{collection}?watch=true&fieldSelector={filter}"), JSON).await?;
        while let Some(event) = watch.next().await? {
            match programmed(&event.object) {
                Programmed::Yes => return Ok(()),
                Programmed::No(why) => *last = why,
            }
            // Backends that no route leads to are sent to no proxy, so there is nothing to wait for.
            if event.kind == "DELETED" || is_unused(&event.object) {
                return Ok(());
            }
        }
    }
}

enum Programmed {
    Yes,
    /// The condition's own words, where it is about the object as it is now.
    No(Option<String>),
}

fn programmed(object: &Value) -> Programmed {
    let Some(condition) = condition(object) else { return Programmed::No(None) };
    if condition["status"] == "True" {
        return Programmed::Yes;
    }
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    Programmed::No(Some(format!("{}: {}", text("reason"), text("message"))))
}

/// The condition `Programmed`, if it is about the object as it is now.
fn condition(object: &Value) -> Option<&Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let condition = conditions.iter().find(|condition| condition["type"] == "Programmed")?;
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
    (condition["observedGeneration"].as_i64().unwrap_or_default() >= generation).then_some(condition)
}

fn is_unused(object: &Value) -> bool {
    condition(object).is_some_and(|condition| condition["reason"] == "Unused")
}

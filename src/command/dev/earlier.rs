//! What earlier runs of `backstay dev` have applied, remembered in the store.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, Discovery, Error, JSON};
use crate::command::object_ref::ObjectRef;
use crate::output;

/// The ConfigMap that lists it.
const NOTE: &str = "/api/v1/namespaces/default/configmaps/backstay-dev";
const NOTES: &str = "/api/v1/namespaces/default/configmaps";

/// What to do with objects that an earlier run applied and these manifests do not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Earlier {
    /// Ask on a terminal; elsewhere they stay, and are named.
    #[default]
    Ask,
    /// They are deleted.
    Drop,
    /// They stay.
    Keep,
}

impl Earlier {
    /// Whether `others`, which an earlier run applied, are to be deleted.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub(super) fn drops(self, others: &[ObjectRef]) -> Result<bool> {
        if others.is_empty() || self == Self::Keep {
            return Ok(false);
        }
        if self == Self::Drop {
            return Ok(true);
        }
        output::line("An earlier run applied what these manifests do not have:")?;
        for target in others {
            output::line(format_args!("  {}/{}", target.resource.label(), target.name))?;
        }
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            output::line("It stays as it is; with --earlier drop it is deleted.")?;
            return Ok(false);
        }
        let mut out = std::io::stdout().lock();
        write!(out, "Delete it? [y/N] ")?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// What earlier runs have applied and not deleted. What the note names and this control plane does not serve is left out.
///
/// # Errors
/// When the control plane cannot be reached.
pub(super) async fn remembered(client: &Client) -> Result<Vec<ObjectRef>, Error> {
    let note = match client.get(NOTE, JSON).await {
        Ok(note) => note,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let listed: Value = serde_json::from_str(note["data"]["objects"].as_str().unwrap_or_default()).unwrap_or_default();
    let discovery = Discovery::load(client).await?;
    let object = |entry: &Value| {
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        let resource = discovery.of(text("apiVersion"), text("kind"))?.clone();
        Some(ObjectRef { resource, namespace: text("namespace").parse().ok()?, name: text("name").parse().ok()? })
    };
    Ok(listed.as_array().into_iter().flatten().filter_map(object).collect())
}

/// Notes what has been applied and is still there.
///
/// # Errors
/// When the control plane cannot be reached or refuses.
pub(super) async fn remember(client: &Client, applied: impl Iterator<Item = &ObjectRef>) -> Result<(), Error> {
    let entry = |target: &ObjectRef| {
        json!({"apiVersion": target.resource.api_version(), "kind": target.resource.kind(),
            "namespace": target.namespace.as_str(), "name": target.name.as_str()})
    };
    let objects = Value::Array(applied.map(entry).collect()).to_string();
    let labels = json!({"app.kubernetes.io/managed-by": "backstay-dev"});
    let note = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "backstay-dev", "namespace": "default", "labels": labels}, "data": {"objects": objects}});
    match client.call(Method::PUT, NOTE, JSON, Some((JSON, &note))).await {
        Err(error) if error.is_not_found() => client.call(Method::POST, NOTES, JSON, Some((JSON, &note))).await,
        other => other,
    }
    .map(drop)
}

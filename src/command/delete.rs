//! `backstay delete`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::check::tell;
use super::object_ref::{ObjectRef, find};
use super::selection::{SelectionArgs, Words};
use crate::client::{Client, Discovery, Error, JSON, ResourceType, Segment, ServerArgs, escape};
use crate::manifest::{FileArgs, KrakendArgs};
use crate::output;

/// Delete objects, by name or as manifests list them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
All of the command line and of the manifests is read first: when anything is wrong with it, such as an empty name, nothing \
is deleted. What the control plane then refuses is reported and the rest is deleted.

Examples:
  backstay delete backend hello
  backstay delete httproute -n web shop cart
  backstay delete backends -l app=shop
  backstay delete -f manifests/")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Delete every object of the kind
    #[arg(long, conflicts_with_all = ["paths", "selector"])]
    all: bool,
    /// Do not mind objects that are not there
    #[arg(long)]
    ignore_not_found: bool,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let client = self.server.client()?;
        let targets = match (self.files.paths.is_empty(), self.selection.is_empty()) {
            (true, true) => super::usage("say what to delete: KIND NAME, KIND --all, KIND -l LABELS or -f FILE"),
            (false, false) => super::usage("name objects or give manifests with -f, not both"),
            (false, true) if self.selection.selector().is_some() => {
                super::usage("manifests name their objects: -f and --selector exclude each other");
            }
            (false, true) => match self.listed(&client).await? {
                Some(targets) => targets,
                None => return Ok(ExitCode::FAILURE),
            },
            (true, false) => self.selected(&client, self.words()).await?,
        };
        let mut failed = 0;
        for target in &targets {
            failed += self.delete(&client, target).await?;
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What the command line names. All objects of a kind are only meant where it says so.
    fn words(&self) -> Words {
        let words = self.selection.read();
        match (words.has_names(), self.all) {
            (true, true) => super::usage("names and --all exclude each other"),
            (false, false) if self.selection.selector().is_none() => {
                super::usage("name the objects to delete, or give --all or -l LABELS");
            }
            _ => words,
        }
    }

    /// The objects of manifests, each once. `None` when anything is wrong with them, which is printed.
    async fn listed(&self, client: &Client) -> Result<Option<Vec<ObjectRef>>> {
        let manifests = self.files.read(&KrakendArgs::default());
        let mut problems = manifests.problems;
        if manifests.documents.is_empty() && problems.is_empty() {
            output::error_line("error: no objects passed to delete");
            return Ok(None);
        }
        let discovery = match Discovery::load(client).await {
            Ok(discovery) => discovery,
            Err(error) => {
                tell(problems);
                return Err(error.into());
            }
        };
        let (targets, unfit) = find(&manifests.documents, &discovery, self.selection.namespace());
        problems.extend(unfit);
        if !problems.is_empty() {
            tell(problems);
            output::error_line("error: nothing was deleted");
            return Ok(None);
        }
        let mut once: Vec<ObjectRef> = Vec::new();
        for (_, target) in targets {
            let is_same = |earlier: &ObjectRef| {
                let elsewhere = target.resource.namespaced && earlier.namespace != target.namespace;
                earlier.resource == target.resource && earlier.name == target.name && !elsewhere
            };
            if !once.iter().any(is_same) {
                once.push(target);
            }
        }
        Ok(Some(once))
    }

    /// The objects that the command line names or selects.
    async fn selected(&self, client: &Client, words: Words) -> Result<Vec<ObjectRef>> {
        let mut targets = Vec::new();
        for selected in words.resolve(client).await? {
            let names = match selected.names.is_empty() {
                true => self.names(client, &selected.resource).await?,
                false => selected.names,
            };
            targets.extend(names.into_iter().map(|name| ObjectRef {
                resource: selected.resource.clone(),
                namespace: self.selection.namespace_or_default(),
                name,
            }));
        }
        Ok(targets)
    }

    /// Names of the objects that a selector or `--all` means.
    async fn names(&self, client: &Client, resource: &ResourceType) -> Result<Vec<Segment>> {
        let query = self.selection.selector().map(|selector| format!("?labelSelector={}", escape(selector)));
        let collection = resource.collection(Some(&self.selection.namespace_or_default()));
        let list = client.get(&format!("{collection}{}", query.unwrap_or_default()), JSON).await?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |item: &Value| {
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            name.parse().with_context(|| format!("the control plane lists a {} {name:?}", resource.label()))
        };
        items.iter().map(name).collect()
    }

    /// Deletes one object and says so. Yields 1 when it was refused.
    async fn delete(&self, client: &Client, target: &ObjectRef) -> Result<usize> {
        let (label, name) = (target.resource.label(), target.name.as_str());
        match delete(client, target).await {
            Ok(Deleted::Gone) => output::line(format_args!("{label} {name:?} deleted"))?,
            Ok(Deleted::WaitsFor(finalizers)) => {
                output::line(format_args!("{label} {name:?} is deleted once {finalizers} let go"))?;
            }
            Err(error) if error.is_not_found() && self.ignore_not_found => {}
            Err(Error::Refused(status)) => {
                output::error_line(format_args!("error: {status}"));
                return Ok(1);
            }
            Err(other) => return Err(other.into()),
        }
        Ok(0)
    }
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// The object is gone.
    Gone,
    /// It goes when these finalizers are removed.
    WaitsFor(String),
}

/// Deletes one object.
///
/// # Errors
/// When the control plane cannot be reached or refuses.
pub(crate) async fn delete(client: &Client, target: &ObjectRef) -> Result<Deleted, Error> {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    let path = target.resource.object(&target.namespace, &target.name);
    let answer = client.call(Method::DELETE, &path, JSON, Some((JSON, &options))).await?;
    let finalizers =
        answer.pointer("/metadata/finalizers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<_> = finalizers.iter().filter_map(Value::as_str).collect();
    Ok(if names.is_empty() { Deleted::Gone } else { Deleted::WaitsFor(names.join(", ")) })
}

//! `backstay delete`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::selection::SelectionArgs;
use crate::client::{Client, Discovery, Error, JSON, ResourceType, ServerArgs, segment};
use crate::manifest::FileArgs;
use crate::output;

/// Delete objects, by name or as manifests list them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
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
        let client = self.server.client();
        let mut failed = 0;
        match (self.files.paths.is_empty(), self.selection.is_empty()) {
            (true, true) => super::usage("say what to delete: KIND NAME, KIND --all, KIND -l LABELS or -f FILE"),
            (false, false) => super::usage("name objects or give manifests with -f, not both"),
            (false, true) => {
                let manifests = self.files.read();
                manifests.problems.iter().for_each(output::complain);
                failed += manifests.problems.len();
                let discovery = Discovery::load(&client).await?;
                for document in &manifests.documents {
                    let name = &document.name;
                    let Some(resource) = discovery.of(&name.api_version, &name.kind) else {
                        let message = format!("the control plane does not serve {} {}", name.api_version, name.kind);
                        output::complain(document.problem("", message));
                        failed += 1;
                        continue;
                    };
                    let unsaid = self.selection.namespace();
                    let namespace = if name.namespace.is_empty() { unsaid } else { &name.namespace };
                    failed += self.delete(&client, resource, namespace, &name.name).await?;
                }
            }
            (true, false) => {
                for selected in self.selection.resolve(&client).await? {
                    let names = if selected.names.is_empty() {
                        self.names(&client, &selected.resource).await?
                    } else {
                        selected.names
                    };
                    for name in &names {
                        failed += self.delete(&client, &selected.resource, self.selection.namespace(), name).await?;
                    }
                }
            }
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Names of the objects that a selector or `--all` means.
    async fn names(&self, client: &Client, resource: &ResourceType) -> Result<Vec<String>> {
        let query = match self.selection.selector() {
            Some(selector) => format!("?labelSelector={}", segment(selector)),
            None if self.all => String::new(),
            None => bail!("name the {} to delete, or give --all or -l LABELS", resource.label()),
        };
        let path = format!("{}{query}", resource.collection(Some(self.selection.namespace())));
        let list = client.get(&path, JSON).await?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(items.iter().filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)).collect())
    }

    /// Deletes one object and says so. Yields 1 when it was refused.
    async fn delete(&self, client: &Client, resource: &ResourceType, namespace: &str, name: &str) -> Result<usize> {
        match delete(client, resource, namespace, name).await {
            Ok(Deleted::Gone) => output::line(format_args!("{} {name:?} deleted", resource.label()))?,
            Ok(Deleted::WaitsFor(finalizers)) => {
                output::line(format_args!("{} {name:?} is deleted once {finalizers} let go", resource.label()))?;
            }
            Err(error) if error.is_not_found() && self.ignore_not_found => {}
            Err(Error::Refused(status)) => {
                output::complain(format_args!("error: {status}"));
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
    /// It is gone.
    Gone,
    /// It goes when these finalizers are removed.
    WaitsFor(String),
}

/// Deletes one object.
///
/// # Errors
/// When the control plane cannot be reached or refuses.
pub(crate) async fn delete(
    client: &Client,
    resource: &ResourceType,
    namespace: &str,
    name: &str,
) -> Result<Deleted, Error> {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    let path = resource.object(namespace, name);
    let answer = client.call(Method::DELETE, &path, JSON, Some((JSON, &options))).await?;
    let finalizers =
        answer.pointer("/metadata/finalizers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<_> = finalizers.iter().filter_map(Value::as_str).collect();
    Ok(if names.is_empty() { Deleted::Gone } else { Deleted::WaitsFor(names.join(", ")) })
}

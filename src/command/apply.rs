//! `backstay apply`.

pub(crate) mod effect;

use std::process::ExitCode;

use anyhow::Result;
use backstay_resources::{GoDuration, Kind, Object};
use serde_json::Value;

use crate::client::{self, Client, Discovery, Error, ResourceType, ServerArgs, Status};
use crate::manifest::{Document, FileArgs, Problem};
use crate::output;

/// Create the objects of manifests, or change them to what the manifests say
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Fields that an earlier apply set and the manifest no longer has are removed; fields that others set stay. kubectl apply \
and backstay apply may be used on the same objects in turn. What fails is reported and the rest is applied; the exit code \
is then 1.

Examples:
  backstay apply -f backend.yaml
  backstay apply -R -f manifests/ --wait
  kustomize build . | backstay apply -f -")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Wait until every connected proxy serves what was applied; fail if one refuses or does not come around
    #[arg(long)]
    wait: bool,
    /// How long to wait, such as 30s or 2m
    #[arg(long, value_name = "DURATION", default_value = "30s", requires = "wait")]
    timeout: GoDuration,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        super::require_files(&self.files);
        let manifests = self.files.read();
        let paint = output::Paint::stderr();
        let client = self.server.client();
        let applied = apply(&client, &manifests.documents, &self.namespace).await;
        manifests.problems.iter().for_each(|problem| output::complain(paint.bad(&problem.to_string())));
        let outcome = applied?;
        let mut failed = outcome.refused.len() + outcome.unknown + manifests.problems.len();
        if self.wait {
            let wait = effect::wait(&client, &outcome, self.timeout.0);
            let missing = output::patiently("Waiting for the proxies", wait).await?;
            missing.iter().for_each(|missing| output::complain(paint.bad(missing)));
            failed += missing.len() + outcome.doubtful;
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// An object that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its kind.
    pub(crate) resource: ResourceType,
    /// Its namespace; does not matter for a cluster-scoped kind.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl Target {
    fn new(resource: &ResourceType, namespace: &str, name: &str) -> Self {
        Self { resource: resource.clone(), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// What became of manifests.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What is stored as the manifests say.
    pub(crate) applied: Vec<Target>,
    /// What is wanted and was refused.
    pub(crate) refused: Vec<Target>,
    /// Revision of the newest object that is stored as the manifests say.
    pub(crate) revision: u64,
    /// How many are stored as the manifests say, and will hardly do what they seem to be for.
    pub(crate) doubtful: usize,
    /// How many objects of kinds that are not served there are.
    pub(crate) unknown: usize,
}

/// Applies `documents` in their order, prints what became of each, and goes on past refusals.
///
/// # Errors
/// When the control plane cannot be reached.
pub(crate) async fn apply(client: &Client, documents: &[Document], namespace: &str) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if documents.is_empty() {
        return Ok(outcome);
    }
    let discovery = Discovery::load(client).await?;
    let (good, bad) = (output::Paint::stdout(), output::Paint::stderr());
    for document in documents {
        let name = &document.name;
        let Some(resource) = discovery.of(&name.api_version, &name.kind) else {
            let known = discovery.names().join(", ");
            let message =
                format!("the control plane does not serve {} {}; it serves {known}", name.api_version, name.kind);
            output::complain(bad.bad(&document.problem("", message).to_string()));
            outcome.unknown += 1;
            continue;
        };
        let namespace = if name.namespace.is_empty() { namespace } else { &name.namespace };
        match client::apply(client, resource, namespace, &document.object).await {
            Ok((applied, stored)) => {
                let revision = stored["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
                outcome.revision = outcome.revision.max(revision.unwrap_or_default());
                let name = stored["metadata"]["name"].as_str().unwrap_or(&name.name);
                output::line(format_args!("{}/{name} {}", resource.label(), good.good(applied.word())))?;
                for doubt in doubts(document, &stored) {
                    output::complain(format_args!("warning: {}", document.problem("", doubt)));
                    outcome.doubtful += 1;
                }
                outcome.applied.push(Target::new(resource, namespace, name));
            }
            Err(Error::Refused(status)) => {
                problems(document, &status).iter().for_each(|problem| output::complain(bad.bad(&problem.to_string())));
                outcome.refused.push(Target::new(resource, namespace, &name.name));
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(outcome)
}

/// What of an object as it is stored will hardly do what it seems to be for.
fn doubts(document: &Document, stored: &Value) -> Vec<String> {
    let kind = Kind::by_kind(&document.name.api_version, &document.name.kind);
    let object = serde_json::from_value::<Object>(stored.clone());
    kind.zip(object.ok()).map(|(kind, object)| (kind.warn)(&object)).unwrap_or_default()
}

/// A refusal in terms of the file: one problem for each field that it names.
fn problems(document: &Document, status: &Status) -> Vec<Problem> {
    let causes = &status.details.causes;
    if !causes.is_empty() {
        return causes.iter().map(|cause| document.problem(&cause.field, cause.message.as_str())).collect();
    }
    // Strict decoding names fields in its sentence only.
    let named: Vec<_> = [("unknown field \"", "unknown field"), ("duplicate field \"", "duplicate field")]
        .into_iter()
        .flat_map(|(mark, what)| status.message.split(mark).skip(1).map(move |rest| (what, rest)))
        .filter_map(|(what, rest)| Some((what, rest.split_once('"')?.0)))
        .map(|(what, field)| document.problem(field, what))
        .collect();
    if named.is_empty() { vec![document.problem("", status.message.as_str())] } else { named }
}

#[cfg(test)]
mod tests;

//! `backstay apply`.

pub(crate) mod effect;

use std::process::ExitCode;

use anyhow::Result;
use backstay_krakend::kind::KRAKEND_CONFIG;
use backstay_resources::{GoDuration, Object};
use serde_json::Value;

use super::check::{offline, tell, unserved};
use super::object_ref::{ObjectRef, find};
use crate::client::{self, Client, Discovery, Error, Segment, ServerArgs, Status};
use crate::manifest::{Document, FileArgs, KrakendArgs, Manifests, Problem};
use crate::output;

/// Create the objects of manifests, or change them to what the manifests say
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Fields that an earlier apply set and the manifest no longer has are removed; fields that others set stay. kubectl apply \
and backstay apply may be used on the same objects in turn. When anything is wrong with the manifests, nothing is applied. \
What the control plane then refuses is reported and the rest is applied. The exit code is 1 in both cases.

A file that is a configuration of KrakenD, whatever its name, becomes a KrakendConfig; the files that it names go along as Secrets.

Examples:
  backstay apply -f backend.yaml
  backstay apply -f krakend.json --wait
  backstay apply -R -f manifests/ --wait
  kustomize build . | backstay apply -f -")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    krakend: KrakendArgs,
    /// Namespace of objects that name none; one that names another is a problem [default: default]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<Segment>,
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
        let manifests = self.files.read(&self.krakend);
        let paint = output::Paint::stderr();
        let client = self.server.client()?;
        let Some(applied) = apply(&client, &manifests, self.namespace.as_ref()).await? else {
            return Ok(ExitCode::FAILURE);
        };
        let mut failed = applied.refused.len();
        if !self.wait {
            let unserved = unserved(&manifests.documents, self.namespace.as_ref());
            unserved.iter().for_each(|problem| output::error_line(format_args!("warning: {problem}")));
        } else {
            let wait = effect::wait(&client, &applied.objects, applied.revision, self.timeout.0);
            let missing = output::with_spinner("Waiting for the proxies", wait).await?;
            missing.iter().for_each(|missing| output::error_line(paint.bad(missing)));
            failed += missing.len() + applied.doubtful;
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What became of manifests.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// What is stored as the manifests say.
    pub(crate) objects: Vec<ObjectRef>,
    /// What is wanted and was refused.
    pub(crate) refused: Vec<ObjectRef>,
    /// Revision of the newest object that is stored as the manifests say.
    pub(crate) revision: u64,
    /// How many are stored as the manifests say, and will hardly do what they seem to be for.
    pub(crate) doubtful: usize,
}

/// Applies manifests in their order, prints what became of each object, and goes on past refusals. `None`, and nothing is
/// changed, when anything is wrong with them that can be told before the first request: that is printed instead.
///
/// # Errors
/// When the control plane cannot be reached.
pub(crate) async fn apply(
    client: &Client,
    manifests: &Manifests,
    namespace: Option<&Segment>,
) -> Result<Option<Applied>> {
    let documents = &manifests.documents;
    let mut problems = manifests.problems.clone();
    problems.extend(offline(documents, namespace));
    if documents.is_empty() && problems.is_empty() {
        output::error_line("error: no objects passed to apply");
        return Ok(None);
    }
    let discovery = match Discovery::load(client).await {
        Ok(discovery) => discovery,
        Err(error) => {
            tell(problems);
            return Err(error.into());
        }
    };
    let (targets, unfit) = find(documents, &discovery, namespace);
    // A clash of namespaces is found by both where the kind is known to both.
    problems.extend(unfit.into_iter().filter(|problem| !problems.contains(problem)).collect::<Vec<_>>());
    if !problems.is_empty() {
        tell(problems);
        output::error_line("error: nothing was applied");
        return Ok(None);
    }
    let mut applied = Applied::default();
    for (document, target) in targets {
        applied.add(client, document, target).await?;
    }
    Ok(Some(applied))
}

impl Applied {
    /// Applies one object, and prints what became of it.
    async fn add(&mut self, client: &Client, document: &Document, target: ObjectRef) -> Result<()> {
        let (good, bad) = (output::Paint::stdout(), output::Paint::stderr());
        let ObjectRef { resource, namespace, name } = &target;
        match client::apply(client, resource, namespace, name, &document.object).await {
            Ok((applied, stored)) => {
                let revision = stored["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
                self.revision = self.revision.max(revision.unwrap_or_default());
                output::line(format_args!("{}/{name} {}", resource.label(), good.good(applied.word())))?;
                for doubt in doubts(document, &stored) {
                    output::error_line(format_args!("warning: {}", document.problem("", doubt)));
                    // KrakenD's users live with many of them.
                    self.doubtful += usize::from(document.name.kind != KRAKEND_CONFIG.kind);
                }
                self.objects.push(target);
            }
            Err(Error::Refused(status)) => {
                problems(document, &status)
                    .iter()
                    .for_each(|problem| output::error_line(bad.bad(&problem.to_string())));
                self.refused.push(target);
            }
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }
}

/// What of an object as it is stored will hardly do what it seems to be for.
fn doubts(document: &Document, stored: &Value) -> Vec<String> {
    let object = serde_json::from_value::<Object>(stored.clone());
    document.kind().zip(object.ok()).map(|(kind, object)| (kind.warn)(&object)).unwrap_or_default()
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

//! `backstay check`.

mod references;

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::Result;
use backstay_resources::check::{admit, prune};
use backstay_resources::{KINDS, Kind};
use serde_json::Value;

use crate::manifest::{Document, FileArgs, ObjectName, Problem};
use crate::output::{self, Paint};

/// Find what is wrong with manifests, without a control plane
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every problem is printed as FILE:LINE: KIND/NAME: FIELD: MESSAGE, all at once, and the exit code is 1. The checks are \
those of the control plane, unknown fields included. A reference to a Backend or Gateway that is in none of the files is \
only a warning: it may be stored already.

Examples:
  backstay check -f backend.yaml
  backstay check -R -f manifests/")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode> {
        super::require_files(&self.files);
        let manifests = self.files.read();
        let mut problems = manifests.problems;
        problems.extend(manifests.documents.iter().flat_map(check));
        problems.extend(duplicates(&manifests.documents));
        problems.sort_by(|one, other| (&one.origin, one.line).cmp(&(&other.origin, other.line)));
        let paint = Paint::stderr();
        problems.iter().for_each(|problem| output::complain(paint.bad(&problem.to_string())));
        let mut warnings: Vec<_> = manifests.documents.iter().flat_map(doubts).collect();
        warnings.extend(references::missing(&manifests.documents));
        warnings.iter().for_each(|warning| output::complain(format_args!("warning: {warning}")));
        let count = manifests.documents.len();
        let objects = if count == 1 { "object" } else { "objects" };
        if problems.is_empty() {
            output::line(format_args!("{count} {objects}: {}", Paint::stdout().good("no problems")))?;
            return Ok(ExitCode::SUCCESS);
        }
        let found = if problems.len() == 1 { "problem" } else { "problems" };
        output::line(format_args!("{count} {objects}: {} {found}", problems.len()))?;
        Ok(ExitCode::FAILURE)
    }
}

/// Everything that the control plane would refuse about one object.
fn check(document: &Document) -> Vec<Problem> {
    let name = &document.name;
    let Some(kind) = Kind::by_kind(&name.api_version, &name.kind) else {
        let known =
            KINDS.iter().map(|kind| format!("{} {}", kind.api_version(), kind.kind)).collect::<Vec<_>>().join(", ");
        let message = format!("there is no kind {} {}; there are {known}", name.api_version, name.kind);
        return vec![document.problem("kind", message)];
    };
    let mut object = with_namespace(kind, document);
    let surplus = prune(kind, &mut object);
    let unknown = surplus.iter().map(|field| document.problem(field.path().as_str(), "there is no such field"));
    let mut problems: Vec<_> = unknown.collect();
    if let Err(errors) = admit(kind, object, None) {
        problems.extend(errors.iter().map(|error| document.problem(error.path.as_str(), error.message.as_str())));
    }
    problems
}

/// What of a valid object will hardly do what it seems to be for.
fn doubts(document: &Document) -> Vec<Problem> {
    let name = &document.name;
    let admitted = Kind::by_kind(&name.api_version, &name.kind)
        .and_then(|kind| admit(kind, with_namespace(kind, document), None).ok());
    let doubts = admitted.map(|admitted| admitted.warnings).unwrap_or_default();
    doubts.into_iter().map(|doubt| document.problem("", doubt)).collect()
}

/// The object with the namespace that `apply` would give it.
fn with_namespace(kind: &Kind, document: &Document) -> Value {
    let mut object = document.object.clone();
    if kind.is_namespaced()
        && document.name.namespace.is_empty()
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), Value::from("default"));
    }
    object
}

/// Objects that are written more than once, of which only the last would stay.
fn duplicates(documents: &[Document]) -> Vec<Problem> {
    let mut first: HashMap<ObjectName, &Document> = HashMap::new();
    let mut problems = Vec::new();
    for document in documents.iter().filter(|document| !document.name.name.is_empty()) {
        let mut name = document.name.clone();
        if name.namespace.is_empty() {
            "default".clone_into(&mut name.namespace);
        }
        match first.get(&name) {
            Some(earlier) => {
                problems.push(document.problem("metadata.name", format!("it is already at {}", earlier.location())));
            }
            None => {
                first.insert(name, document);
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests;

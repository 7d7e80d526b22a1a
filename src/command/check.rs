//! `backstay check`.

mod compiled;
pub(super) mod faults;
mod krakend;
mod references;
mod repeated;

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::hints;
use super::object_ref::clash;
use crate::client::Segment;
use crate::manifest::{Document, FileArgs, Problem};
use crate::output::{self, Paint};

/// Find what is wrong with manifests, or with a krakend.json, without a control plane
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every problem is printed as FILE:LINE:COLUMN: KIND/NAME: FIELD: MESSAGE, all at once, and the exit code is 1. The checks are \
those of the control plane, unknown fields included, and what its statuses would say: what will not be served as it is \
written is a problem. A reference to an object that is in none of the files is only a warning: it may be stored already.

A file that is a configuration of KrakenD, whatever its name, is checked as one: each problem is printed as \
FILE:LINE:COLUMN: SEVERITY: FIELD: MESSAGE, and the exit code is 1 when one is an error.

Examples:
  backstay check -f backend.yaml
  backstay check -R -f manifests/
  backstay check -f krakend.json
  backstay check --migrate -f krakend.json > version-3.json")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// Namespace of objects that name none; one that names another is a problem [default: default]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<Segment>,
    #[command(flatten)]
    krakend: krakend::KrakendArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode> {
        super::require_files(&self.files);
        let manifests = self.files.read_all();
        let (documents, namespace) = (&manifests.documents, self.namespace.as_ref());
        if self.krakend.migrates() {
            return krakend::migrate(&manifests);
        }
        if documents.is_empty() && manifests.problems.is_empty() && manifests.krakend.is_empty() {
            bail!("no objects passed to check");
        }
        let is_refused = self.krakend.check(&manifests.krakend)?;
        if documents.is_empty() && manifests.problems.is_empty() {
            return Ok(if is_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        let mut problems = manifests.problems;
        problems.extend(documents.iter().flat_map(unknown));
        problems.extend(offline(documents, namespace));
        let mut warnings: Vec<_> = documents.iter().flat_map(|document| faults::doubts(document, namespace)).collect();
        warnings.extend(documents.iter().flat_map(hints::booleans));
        warnings.extend(references::missing(documents, namespace));
        warnings.extend(repeated::matches(documents, namespace));
        let compiled = compiled::find(documents, namespace);
        problems.extend(compiled.problems);
        // A reference is told of once: where it is written.
        let told = |warning: &Problem| warnings.iter().any(|other| warning.is_within(other));
        let open: Vec<_> = compiled.warnings.into_iter().filter(|warning| !told(warning)).collect();
        warnings.extend(open);
        let found = problems.len();
        tell(problems);
        in_order(&mut warnings);
        warnings.iter().for_each(|warning| output::error_line(format_args!("warning: {warning}")));
        let count = documents.len();
        let objects = if count == 1 { "object" } else { "objects" };
        if found == 0 {
            output::line(format_args!("{count} {objects}: {}", Paint::stdout().good("no problems")))?;
        } else {
            let noun = if found == 1 { "problem" } else { "problems" };
            output::line(format_args!("{count} {objects}: {found} {noun}"))?;
        }
        Ok(if found == 0 && !is_refused { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Prints problems in the order of their files.
pub(super) fn tell(mut problems: Vec<Problem>) {
    in_order(&mut problems);
    let paint = Paint::stderr();
    problems.iter().for_each(|problem| output::error_line(paint.bad(&problem.to_string())));
}

fn in_order(problems: &mut [Problem]) {
    problems.sort_by(|one, other| (&one.origin, one.line, one.column).cmp(&(&other.origin, other.line, other.column)));
}

/// What of objects will not be served as it is written, whatever else is stored, though a control plane stores it.
pub(super) fn unserved(documents: &[Document], namespace: Option<&Segment>) -> Vec<Problem> {
    let mut problems = compiled::find(documents, namespace).problems;
    in_order(&mut problems);
    problems
}

/// Everything wrong with objects that can be told without a control plane, if all went where `namespace` says. Kinds that
/// are not known here are passed over: a control plane may be newer.
pub(super) fn offline(documents: &[Document], namespace: Option<&Segment>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for document in documents {
        if let Some(kind) = document.kind() {
            if kind.is_namespaced() {
                problems.extend(clash(document, namespace));
            }
            problems.extend(faults::of(kind, document, namespace));
        }
    }
    problems.extend(faults::repeated(documents, namespace));
    problems
}

/// A kind that there is not.
fn unknown(document: &Document) -> Option<Problem> {
    document.kind().is_none().then(|| hints::unknown_kind(document))
}

#[cfg(test)]
mod tests;

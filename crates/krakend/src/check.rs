//! The whole check of a file.

mod bounds;
mod components;
mod cors;
mod limits;
mod options;
mod secrets;
mod validator;

#[cfg(test)]
mod tests;

use crate::compile::{self, Compiled, Input};
use crate::config::{Service, version};
use crate::document::{Document, Format};
use crate::place::{At, Path};
use crate::plan::Plan;
use crate::problem::{Problem, Report, Severity};
use crate::quote::quoted;
use crate::{VERSION, resolve, template};

/// What becomes of components that guard or change traffic and are not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnknownExtraConfig {
    /// The configuration is refused: without them it lets in more, or answers something else.
    #[default]
    Error,
    /// They are left out, with a warning.
    Warn,
}

/// How a file is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Options {
    /// What becomes of components that are not served.
    pub unknown_extra_config: UnknownExtraConfig,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// By place.
    pub problems: Vec<Problem>,
    /// How many more problems there are than [`crate::MAX_PROBLEMS`] of each severity.
    pub left_out: usize,
    /// What the file asks for. `None` where anything written in it is wrong; components that are not served alone leave it.
    pub plan: Option<Plan>,
}

impl Checked {
    /// Whether the configuration is refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    fn new(report: Report, plan: Option<Plan>) -> Self {
        let plan = plan.filter(|_| !report.has_faults());
        let (problems, left_out) = report.finish();
        Self { problems, left_out, plan }
    }
}

/// Checks the text of a file: everything that is wrong with it, at once, and what proxies could not do of it.
///
/// A file of another version than 3 is refused for that alone, and nothing else of it is looked at, as KrakenD does. Files that it
/// names are not opened.
#[must_use]
pub fn check(text: &str, format: Format, options: Options) -> Checked {
    examine(text, format, options, &Input::default()).0
}

/// Checks the text of a file and compiles it. What is refused is not compiled.
pub(crate) fn examine(text: &str, format: Format, options: Options, input: &Input) -> (Checked, Option<Compiled>) {
    let report = Report::default();
    let plan = match Document::read(text, format) {
        Ok(document) => document_plan(&document, options, &report),
        Err(error) => {
            match template::in_text(text) {
                Some((place, advice)) => report.unreadable(place, &Path::ROOT, advice),
                None => report.unreadable(error.place, &Path::ROOT, error.problem),
            }
            None
        }
    };
    let plan = plan.filter(|_| !report.has_faults());
    let compiled = plan.as_ref().filter(|plan| bounds::fit(plan, &report));
    let compiled = compiled.map(|plan| compile::compile(plan, input, &report));
    let checked = Checked::new(report, plan);
    let compiled = compiled.filter(|_| !checked.is_refused());
    (checked, compiled)
}

fn document_plan(document: &Document, options: Options, report: &Report) -> Option<Plan> {
    if !is_current(document, report) {
        return None;
    }
    template::in_document(document, report);
    for repeated in &document.repeated {
        let message =
            format!("{} is written again at line {}, and only that counts", quoted(&repeated.key), repeated.last.line);
        report.dropped(repeated.first, &Path::ROOT, message);
    }
    let service = Service::read(&document.root, report);
    let plan = resolve::resolve(&service, report);
    components::check(&service, options, report);
    Some(plan)
}

/// Whether the file is of the version that is read.
fn is_current(document: &Document, report: &Report) -> bool {
    let path = Path::ROOT.key("version");
    if document.root.entries().is_empty() {
        report.unreadable(
            document.root.place,
            &Path::ROOT,
            format!("an object is wanted here, and this is {}", document.root.kind()),
        );
        return false;
    }
    match version(&document.root) {
        Err(At { place, value }) => {
            report.unreadable(place, &path, value);
            false
        }
        Ok(At { value: VERSION, .. }) => true,
        Ok(At { place, value }) => {
            let hint = if value == 2 { "; backstay check --migrate prints it as version 3" } else { "" };
            report.refused(place, &path, format!("unsupported version: {value} (want: {VERSION}){hint}"));
            false
        }
    }
}

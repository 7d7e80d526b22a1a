//! What is probably meant by what there is not.

use backstay_control_plane::registry;
use backstay_resources::{Kind, check};
use serde_json::Value;

use crate::manifest::{Document, Problem};

/// How alike two words are that may be one word, of 0 to 1.
const ALIKE: f64 = 0.85;

/// The word of `known` that is most like `word`.
fn like<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&lower, &other.to_lowercase());
    let rated =
        known.map(|other| (likeness(other).max(strsim::jaro_winkler(&lower, &other.to_lowercase()) - 0.05), other));
    let best = rated.filter(|(rate, _)| *rate >= ALIKE).max_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, other)| other)
}

/// That an object's kind is not known: in one short sentence, with what may be meant.
pub(crate) fn unknown_kind(document: &Document) -> Problem {
    let name = &document.name;
    let hint = kind(&name.api_version, &name.kind);
    document.problem("kind", format!("there is no kind {} {}{hint}", name.api_version, name.kind))
}

/// What of a kind that there is not may be meant, to be appended to a sentence. Empty when nothing is near.
fn kind(api_version: &str, kind: &str) -> String {
    let registry = registry();
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let versions = registry.iter().find(|known| known.group == group && known.kind == kind);
    if let Some(known) = versions.filter(|known| known.version != version) {
        return format!("; use {}", known.api_version());
    }
    if let Some(known) = registry.iter().find(|known| known.kind == kind) {
        return format!("; is {} meant?", known.api_version());
    }
    let near = registry.iter().filter(|known| known.group == group).map(|known| known.kind);
    like(kind, near).map_or_else(String::new, |known| format!("; is {known} meant?"))
}

/// The field of `kind` that is probably meant by the one at `path`, which there is not.
pub(crate) fn field(kind: &Kind, path: &str) -> Option<String> {
    let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
    let schema = check::schema_at((kind.schema)(), above)?;
    let fields = schema.get("properties")?.as_object()?;
    like(name, fields.keys().map(String::as_str)).map(str::to_owned)
}

/// That the value at `path` is a variable which nothing has filled in, to be appended to a sentence.
pub(crate) fn unfilled(object: &Value, path: &str) -> Option<&'static str> {
    let pointer: String = path.split(['.', '[']).map(|step| format!("/{}", step.trim_end_matches(']'))).collect();
    let text = object.pointer(&pointer)?.as_str()?;
    let is_variable = text.contains("${") || text.contains("{{");
    is_variable.then_some("; it looks like a variable of a template: fill it in first, such as with envsubst")
}

/// Text that kubectl would read as a boolean: it follows YAML 1.1.
pub(crate) fn booleans(document: &Document) -> Vec<Problem> {
    let warning = |(path, text): (&str, &str)| {
        let meant = ["yes", "on"].contains(&text.to_lowercase().as_str());
        document.problem(path, format!("kubectl reads {text} as {meant}: put it in quotes where text is meant"))
    };
    document.booleans_once().map(warning).collect()
}

use serde_json::Value;
use serde_saphyr::Options;
use serde_saphyr::options::DuplicateKeyPolicy;

use super::{DecodeError, Decoded, Document, Lines, MAX_YAML_DEPTH, text};

/// How many parser events aliases may add to a file. A file of manifests has none; a bomb has billions.
const MAX_ALIASED_EVENTS: usize = 100_000;

/// How many documents a file may have.
const MAX_DOCUMENTS: usize = 200_000;

/// How many values a file may have, all documents together.
const MAX_NODES: usize = 10_000_000;

/// Reads the one YAML document that `bytes` holds. JSON is YAML.
///
/// # Errors
/// As [`documents`]; and when there is no document, or more than one.
pub fn yaml(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut documents = values(text(bytes)?)?;
    match (documents.pop(), documents.len()) {
        (None, _) => Err(DecodeError::Empty),
        (Some(document), 0) => Ok(document),
        (Some(_), before) => Err(DecodeError::Several(before + 1)),
    }
}

/// Reads a file of YAML documents, and remembers the line of each field. Documents without content are passed over.
///
/// Plain scalars are typed as in YAML 1.2: `yes` and `off` are text.
///
/// # Errors
/// When `bytes` is not UTF-8, not YAML, nested deeper than [`MAX_YAML_DEPTH`], or has aliases that add more than a
/// bounded amount. The text of the error never quotes the file, which may hold a Secret.
pub fn documents(bytes: &[u8]) -> Result<Vec<Document>, DecodeError> {
    let text = text(bytes)?;
    let values = values(text)?;
    let mut lines = Lines::of_documents(text).into_iter();
    let document =
        |Decoded { value, duplicates }| Document { value, duplicates, lines: lines.next().unwrap_or_default() };
    Ok(values.into_iter().map(document).collect())
}

fn values(text: &str) -> Result<Vec<Decoded>, DecodeError> {
    let mut documents: Vec<Decoded> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| refusal(&error))?;
    documents.retain(|document| document.value != Value::Null);
    Ok(documents)
}

fn options() -> Options {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_YAML_DEPTH,
        max_documents: MAX_DOCUMENTS,
        max_nodes: MAX_NODES,
        max_events: 2 * MAX_NODES,
    };
    let alias_limits = serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED_EVENTS };
    serde_saphyr::options! {
        budget: budget,
        alias_limits: alias_limits,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
    }
}

fn refusal(error: &serde_saphyr::Error) -> DecodeError {
    let line = error.location().map_or(0, |location| location.line());
    DecodeError::Yaml { line, problem: error.without_snippet().to_string() }
}

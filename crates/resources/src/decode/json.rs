use serde::Deserialize;

use super::{DecodeError, Decoded, text};

/// Reads one JSON value.
///
/// # Errors
/// When `bytes` is not UTF-8, not JSON, nested deeper than [`super::MAX_JSON_DEPTH`], or more than one value. The text of the
/// error never repeats the input, which may be a Secret.
pub fn json(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(text(bytes)?);
    let decoded = Decoded::deserialize(&mut deserializer).map_err(refusal)?;
    deserializer.end().map_err(refusal)?;
    Ok(decoded)
}

fn refusal(error: serde_json::Error) -> DecodeError {
    let (line, column) = (error.line() as u64, error.column() as u64);
    let sentence = error.to_string();
    let problem = sentence.rsplit_once(" at line ").map_or(sentence.as_str(), |(problem, _)| problem).to_owned();
    DecodeError::Json { line, column, problem }
}

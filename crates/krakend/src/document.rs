//! A file as a tree of values, each with its place, whatever the format is.

mod json;
mod spots;
mod toml;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::tree::{Document, Entry, MAX_BYTES, MAX_DEPTH, MAX_VALUES, Node, ReadError, Repeated, Value};
use crate::place::Place;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// YAML 1.2, with the merge keys of 1.1 as KrakenD's reader has them.
    Yaml,
    /// TOML 1.1.
    Toml,
}

impl Format {
    /// As KrakenD chooses: `.yml`, `.yaml` and `.toml` are what they say, anything else is JSON.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension {
            "yml" | "yaml" => Self::Yaml,
            "toml" => Self::Toml,
            _ => Self::Json,
        }
    }
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// When `text` is not what `format` says, or is beyond [`MAX_BYTES`], [`MAX_DEPTH`] or [`MAX_VALUES`].
    pub fn read(text: &str, format: Format) -> Result<Self, ReadError> {
        if text.len() > MAX_BYTES {
            let problem = format!("the file has more than {} MiB, which no configuration has", MAX_BYTES >> 20);
            return Err(ReadError::new(Place::START, problem));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match format {
            Format::Json => json::read(text),
            Format::Yaml => yaml::read(text),
            Format::Toml => toml::read(text),
        }
    }
}

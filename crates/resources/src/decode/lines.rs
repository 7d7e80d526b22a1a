use std::collections::HashMap;

use crate::field::FieldPath;

/// The line of each field of a document.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    start: u64,
    fields: HashMap<String, u64>,
}

impl Lines {
    pub(super) fn begin(start: u64) -> Self {
        Self { start, fields: HashMap::new() }
    }

    pub(super) fn insert(&mut self, path: &FieldPath, line: u64) {
        self.fields.insert(dotted(path.as_str()), line);
    }

    /// The line on which the document begins, counted from 1.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The line on which `path` is written, counted from 1. For a field that is not there: the line of what it would be
    /// part of.
    #[must_use]
    pub fn of(&self, path: &FieldPath) -> u64 {
        let key = dotted(path.as_str());
        let mut rest = key.as_str();
        loop {
            if let Some(line) = self.fields.get(rest) {
                return *line;
            }
            match rest.rsplit_once('.') {
                Some((above, _)) => rest = above,
                None => return self.start,
            }
        }
    }
}

/// Validation writes `data[key]` for the values of maps, a decoder knows no maps from objects and writes `data.key`: one
/// spelling for both.
fn dotted(path: &str) -> String {
    path.replace('[', ".").replace(']', "")
}

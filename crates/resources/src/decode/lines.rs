use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, Span};

use crate::field::FieldPath;

/// The line of each field of a document.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    start: u64,
    fields: HashMap<String, u64>,
}

impl Lines {
    /// The lines of each document with content of a file that is known to be YAML.
    ///
    /// Apart from the reading of values, which recurses: to carry a position with each value would double what a level
    /// takes of the stack.
    pub(super) fn of_documents(text: &str) -> Vec<Self> {
        let mut documents = Vec::new();
        let mut walk = Walk::default();
        for event in Parser::new_from_str(text) {
            match event {
                Ok((Event::DocumentStart(..), _)) => walk = Walk::default(),
                Ok((Event::DocumentEnd, _)) => documents.extend(walk.document.take()),
                Ok((event, span)) => walk.see(&event, span),
                Err(_) => break,
            }
        }
        documents
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

/// How far into a document the parser is.
#[derive(Default)]
struct Walk {
    document: Option<Lines>,
    open: Vec<Collection>,
}

/// A list or map that has begun and not ended.
enum Collection {
    List { path: FieldPath, next: usize },
    Map { path: FieldPath, key: Option<String> },
}

impl Walk {
    fn see(&mut self, event: &Event<'_>, span: Span) {
        let line = span.start.line() as u64;
        match event {
            // A document of nothing is no document.
            Event::Scalar(text, ..) if self.open.is_empty() && is_nothing(text) => (),
            Event::Scalar(text, ..) => {
                self.node(line, Some(text));
            }
            Event::Alias(_) => {
                self.node(line, None);
            }
            Event::SequenceStart(..) => {
                let path = self.node(line, None);
                self.open.push(Collection::List { path, next: 0 });
            }
            Event::MappingStart(..) => {
                let path = self.node(line, None);
                self.open.push(Collection::Map { path, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            _ => (),
        }
    }

    /// Takes notice of a node, and returns its path. A scalar in the place of a key is where a field is written.
    fn node(&mut self, line: u64, scalar: Option<&str>) -> FieldPath {
        let lines = self.document.get_or_insert_with(|| Lines { start: line, fields: HashMap::new() });
        let (path, written) = match self.open.last_mut() {
            None => (FieldPath::default(), false),
            Some(Collection::List { path, next }) => {
                *next += 1;
                (path.index(*next - 1), true)
            }
            Some(Collection::Map { path, key }) => match key.take() {
                Some(key) => (path.child(&key), false),
                None => {
                    let name = key.insert(scalar.unwrap_or_default().to_owned());
                    (path.child(name), true)
                }
            },
        };
        if written {
            lines.fields.insert(dotted(path.as_str()), line);
        }
        path
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

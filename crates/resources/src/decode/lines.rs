use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::field::FieldPath;

/// The place of each field of a document.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    start: u64,
    fields: HashMap<String, Place>,
    booleans: Vec<(FieldPath, String)>,
}

/// Where something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: u64,
    /// Counted in characters from 1.
    pub column: u64,
}

/// What YAML 1.1 takes for a boolean and YAML 1.2 for text: Kubernetes' tools follow the first.
const BOOLEANS_ONCE: [&str; 12] = ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"];

/// How many of these are remembered of a document.
const MAX_BOOLEANS: usize = 100;

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
        self.place(path).map_or(self.start, |place| place.line)
    }

    /// Where `path` is written, or what it would be part of. `None` when nothing of it is.
    #[must_use]
    pub fn place(&self, path: &FieldPath) -> Option<Place> {
        let key = dotted(path.as_str());
        let mut rest = key.as_str();
        loop {
            if let Some(place) = self.fields.get(rest) {
                return Some(*place);
            }
            rest = rest.rsplit_once('.')?.0;
        }
    }

    /// Values without quotes that older YAML, and `kubectl` with it, takes for booleans, such as `no`: the first hundred.
    #[must_use]
    pub fn booleans_once(&self) -> &[(FieldPath, String)] {
        &self.booleans
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
        let place = Place { line: span.start.line() as u64, column: span.start.col() as u64 + 1 };
        match event {
            // A document of nothing is no document.
            Event::Scalar(text, ..) if self.open.is_empty() && is_nothing(text) => (),
            Event::Scalar(text, style, ..) => {
                let is_key = self.expects_key();
                let path = self.node(place, Some(text));
                if *style == ScalarStyle::Plain && !is_key && BOOLEANS_ONCE.contains(&&**text) {
                    self.note(path, text);
                }
            }
            Event::Alias(_) => {
                self.node(place, None);
            }
            Event::SequenceStart(..) => {
                let path = self.node(place, None);
                self.open.push(Collection::List { path, next: 0 });
            }
            Event::MappingStart(..) => {
                let path = self.node(place, None);
                self.open.push(Collection::Map { path, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            _ => (),
        }
    }

    /// Whether what comes next names a field.
    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Collection::Map { key: None, .. }))
    }

    /// Remembers a value that others read otherwise.
    fn note(&mut self, path: FieldPath, text: &str) {
        if let Some(lines) = self.document.as_mut().filter(|lines| lines.booleans.len() < MAX_BOOLEANS) {
            lines.booleans.push((path, text.to_owned()));
        }
    }

    /// Takes notice of a node, and returns its path. A scalar in the place of a key is where a field is written.
    fn node(&mut self, place: Place, scalar: Option<&str>) -> FieldPath {
        let lines = self.document.get_or_insert_with(|| Lines { start: place.line, ..Lines::default() });
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
            lines.fields.insert(dotted(path.as_str()), place);
        }
        path
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

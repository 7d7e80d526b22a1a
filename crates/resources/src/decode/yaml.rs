use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Options, Spanned};

use super::{DecodeError, Decoded, Document, Lines, MAX_SURPLUS, MAX_YAML_DEPTH, text};
use crate::field::{Step, Surplus, Trail};

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
    let mut documents = documents(bytes)?;
    match (documents.pop(), documents.len()) {
        (None, _) => Err(DecodeError::Empty),
        (Some(Document { value, duplicates, .. }), 0) => Ok(Decoded { value, duplicates }),
        (Some(_), before) => Err(DecodeError::Several(before + 1)),
    }
}

/// Reads a file of YAML documents, and remembers the line of each field. Documents without content are passed over.
///
/// Plain scalars are typed as in YAML 1.2: `yes` and `off` are text.
///
/// # Errors
/// When `bytes` is not UTF-8, not YAML, nested deeper than [`MAX_YAML_DEPTH`], or has aliases that add more than a bounded
/// amount. The text of the error never quotes the file, which may hold a Secret.
pub fn documents(bytes: &[u8]) -> Result<Vec<Document>, DecodeError> {
    let documents: Vec<Spanned<Node>> =
        serde_saphyr::from_multiple_with_options(text(bytes)?, options()).map_err(|error| refusal(&error))?;
    Ok(documents.into_iter().filter(|document| !matches!(document.value, Node::Null)).map(document).collect())
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

/// A value that knows where it is written.
#[derive(Debug)]
enum Node {
    Null,
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    /// Every entry as written, duplicates included.
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

fn document(root: Spanned<Node>) -> Document {
    let mut walk = Walk { lines: Lines::begin(root.referenced.line()), duplicates: Vec::new() };
    let value = walk.value(root.value, &Trail::ROOT);
    Document { value, duplicates: walk.duplicates, lines: walk.lines }
}

struct Walk {
    lines: Lines,
    duplicates: Vec<Surplus>,
}

impl Walk {
    fn value(&mut self, node: Node, trail: &Trail<'_>) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Scalar(value) => value,
            Node::List(list) => Value::Array(list.into_iter().enumerate().map(|item| self.item(item, trail)).collect()),
            Node::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let trail = trail.step(Step::Field(&key.value));
                    let path = trail.path();
                    self.lines.insert(&path, key.referenced.line());
                    let value = self.value(value.value, &trail);
                    if map.insert(key.value.clone(), value).is_some() && self.duplicates.len() < MAX_SURPLUS {
                        self.duplicates.push(Surplus::Duplicate(path));
                    }
                }
                Value::Object(map)
            }
        }
    }

    fn item(&mut self, (index, item): (usize, Spanned<Node>), trail: &Trail<'_>) -> Value {
        let trail = trail.step(Step::Index(index));
        self.lines.insert(&trail.path(), item.referenced.line());
        self.value(item.value, &trail)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value that JSON has too")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Node::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value)))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

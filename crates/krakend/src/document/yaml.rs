//! YAML, from the events of the parser that the rest of Backstay reads YAML with.

mod scalar;

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScanError, Span};

use super::tree::{Document, Entry, MAX_DEPTH, MAX_VALUES, Node, ReadError, Value};
use crate::place::Place;

/// Reads a file of one document.
pub(super) fn read(text: &str) -> Result<Document, ReadError> {
    let mut walk = Walk::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refusal(&error))?;
        walk.see(event, place(span))?;
    }
    let root = walk.root.ok_or_else(|| ReadError::new(Place::START, "there is nothing in the file"))?;
    Ok(Document { root, repeated: Vec::new() })
}

fn place(span: Span) -> Place {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Place { line: count(span.start.line()), column: count(span.start.col()).saturating_add(1) }
}

fn refusal(error: &ScanError) -> ReadError {
    let mark = *error.marker();
    ReadError::new(place(Span::new(mark, mark)), format!("not valid YAML: {}", error.kind()))
}

#[derive(Default)]
struct Walk {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    values: usize,
}

/// Where a node comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It is written there.
    Text,
    /// It is written elsewhere, and repeated.
    Alias,
}

/// A list or map that has begun and not ended.
struct Open {
    place: Place,
    anchor: usize,
    within: Within,
}

enum Within {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, keys: HashMap<String, Place>, key: Option<(String, Place)>, merged: Vec<Node> },
}

impl Walk {
    fn see(&mut self, event: Event<'_>, place: Place) -> Result<(), ReadError> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(ReadError::new(place, "a configuration is one document, and a second begins here"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = Node { place, value: scalar::value(&text, style, tag.as_deref()) };
                self.put(node, anchor, Origin::Text)
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor);
                let Some(target) = target else {
                    return Err(ReadError::new(place, "an alias leads into what it is part of"));
                };
                // Counted before it is copied, so that a bomb is a count and not a copy.
                let (size, _) = measure(target);
                if self.values + size > MAX_VALUES {
                    return Err(ReadError::new(place, format!("the file has more than {MAX_VALUES} values")));
                }
                let node = Node { place, value: target.value.clone() };
                self.put(node, 0, Origin::Alias)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(place, anchor, Within::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let within = Within::Map { entries: Vec::new(), keys: HashMap::new(), key: None, merged: Vec::new() };
                self.begin(place, anchor, within)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, place: Place, anchor: usize, within: Within) -> Result<(), ReadError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ReadError::new(place, format!("values are nested more than {MAX_DEPTH} deep")));
        }
        self.open.push(Open { place, anchor, within });
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let Some(Open { place, anchor, within }) = self.open.pop() else { return Ok(()) };
        let value = match within {
            Within::List(members) => Value::List(members),
            Within::Map { mut entries, keys, merged, .. } => {
                merge(&mut entries, &keys, merged);
                Value::Map(entries)
            }
        };
        self.put(Node { place, value }, anchor, Origin::Text)
    }

    /// Puts a whole node where it belongs. What an alias repeats, and what is kept to be repeated, counts with all that is in it.
    fn put(&mut self, node: Node, anchor: usize, origin: Origin) -> Result<(), ReadError> {
        self.values += 1;
        if anchor != 0 || origin == Origin::Alias {
            let (size, depth) = measure(&node);
            self.values += size;
            if self.open.len() + depth > MAX_DEPTH {
                return Err(ReadError::new(node.place, format!("values are nested more than {MAX_DEPTH} deep")));
            }
        }
        if self.values > MAX_VALUES {
            return Err(ReadError::new(node.place, format!("the file has more than {MAX_VALUES} values")));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.within) {
            None => self.root = Some(node),
            Some(Within::List(members)) => members.push(node),
            Some(Within::Map { entries, keys, key, merged }) => match key.take() {
                None => *key = Some(new_key(&node, keys)?),
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((name, place)) => entries.push(Entry { key: name, place, node }),
            },
        }
        Ok(())
    }
}

/// A scalar in the place of a key. Go's YAML refuses a key that is there twice.
fn new_key(node: &Node, keys: &mut HashMap<String, Place>) -> Result<(String, Place), ReadError> {
    let key = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Number(literal) => literal.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(_) | Value::Map(_) => return Err(ReadError::new(node.place, "a key must be text")),
    };
    if let Some(first) = keys.insert(key.clone(), node.place) {
        return Err(ReadError::new(
            node.place,
            format!("a key is written twice in one map, first at line {}", first.line),
        ));
    }
    Ok((key, node.place))
}

/// Takes in what `<<` names, without what is there already.
fn merge(entries: &mut Vec<Entry>, keys: &HashMap<String, Place>, merged: Vec<Node>) {
    let mut taken: HashMap<String, ()> = HashMap::new();
    for node in merged {
        let sources = match node.value {
            Value::List(sources) => sources,
            _ => vec![node],
        };
        for source in sources {
            if let Value::Map(more) = source.value {
                for entry in more {
                    if !keys.contains_key(&entry.key) && taken.insert(entry.key.clone(), ()).is_none() {
                        entries.push(entry);
                    }
                }
            }
        }
    }
}

/// How many values a node has, itself included, and how deep they are nested.
fn measure(node: &Node) -> (usize, usize) {
    let inner = |found: (usize, usize), node: &Node| {
        let (size, depth) = measure(node);
        (found.0 + size, found.1.max(depth))
    };
    let (size, depth) = match &node.value {
        Value::List(members) => members.iter().fold((0, 0), inner),
        Value::Map(entries) => entries.iter().map(|entry| &entry.node).fold((0, 0), inner),
        _ => return (1, 0),
    };
    (size + 1, depth + 1)
}

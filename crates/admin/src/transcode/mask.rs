//! Field masks: which fields to answer, and which to change.
//!
//! Source: Google's API improvement proposals 157 and 161.

use std::collections::BTreeMap;

use backstay_kube::Failure;
use serde_json::{Map, Value};

use super::shape::{ETAG, KEYS, Many, Message, NAME, ResourceShape, Shape};

/// How many paths a mask may have.
const MAX_PATHS: usize = 1000;

/// The fields to answer, by their numbers. A field without any below it is answered whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadMask(pub(crate) BTreeMap<u32, ReadMask>);

impl ReadMask {
    /// Reads the paths of a mask; `None` is all fields.
    pub(crate) fn parse(shape: &ResourceShape, paths: &[String]) -> Result<Option<Self>, Failure> {
        check_count("read_mask", paths)?;
        if paths.is_empty() || paths.iter().any(|path| path == "*") {
            return Ok(None);
        }
        let mut mask = Self::default();
        for path in paths {
            let segments = segments(path).ok_or_else(|| unknown("read_mask", path))?;
            mask.add(shape, &segments).ok_or_else(|| unknown("read_mask", path))?;
        }
        Ok(Some(mask))
    }

    /// What of a field to answer: `None` is nothing, `Some(None)` all of it.
    pub(crate) fn below(&self, number: u32) -> Option<Option<&Self>> {
        self.0.get(&number).map(|mask| Some(mask).filter(|mask| !mask.0.is_empty()))
    }

    fn add(&mut self, shape: &ResourceShape, path: &[String]) -> Option<()> {
        let (first, rest) = path.split_first()?;
        let own = [("name", NAME), ("etag", ETAG)].into_iter().find(|(name, _)| name == first);
        if let Some((_, number)) = own.filter(|_| rest.is_empty()) {
            self.0.insert(number, Self::default());
            return Some(());
        }
        let message = if shape.body.by_name(first).is_some() { &shape.body } else { &shape.metadata };
        self.add_below(message, path)
    }

    fn add_below(&mut self, message: &Message, path: &[String]) -> Option<()> {
        let (first, rest) = path.split_first()?;
        let field = message.by_name(first)?;
        let known = self.0.get(&field.number).is_some_and(|mask| mask.0.is_empty());
        // Through a list, a star may stand for each of its items.
        let rest = if field.many == Many::List { rest.strip_prefix(&["*".to_owned()]).unwrap_or(rest) } else { rest };
        if rest.is_empty() {
            self.0.insert(field.number, Self::default());
            return Some(());
        }
        let Shape::Message(message) = &field.shape else { return None };
        let mut below = self.0.remove(&field.number).unwrap_or_default();
        let added = below.add_below(message, rest);
        // What was wanted whole stays so.
        self.0.insert(field.number, if known { Self::default() } else { below });
        added
    }
}

/// What an update is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpdateMask {
    /// The whole object, which is replaced.
    All,
    /// The fields at these paths of names in JSON.
    Paths(Vec<Vec<String>>),
}

impl UpdateMask {
    /// Reads the paths of a mask; without any, those of what is set in `object`.
    pub(crate) fn parse(shape: &ResourceShape, paths: &[String], object: &Map<String, Value>) -> Result<Self, Failure> {
        check_count("update_mask", paths)?;
        if paths == ["*"] {
            return Ok(Self::All);
        }
        if paths.is_empty() {
            return Ok(Self::Paths(set_in(shape, object)));
        }
        let one = |path: &String| {
            let segments = segments(path).ok_or_else(|| unknown("update_mask", path))?;
            json_path(shape, &segments).ok_or_else(|| unknown("update_mask", path))
        };
        paths.iter().map(one).collect::<Result<_, _>>().map(Self::Paths)
    }

    /// The same of paths in JSON itself.
    pub(crate) fn parse_json(paths: &[String], object: &Map<String, Value>) -> Result<Self, Failure> {
        check_count("update_mask", paths)?;
        if paths == ["*"] {
            return Ok(Self::All);
        }
        if paths.is_empty() {
            let mut found = Vec::new();
            json_set_in(object, &mut Vec::new(), &mut found);
            found.retain(|path| is_client_set(path));
            return Ok(Self::Paths(found));
        }
        let one = |path: &String| {
            let segments = segments(path).ok_or_else(|| unknown("update_mask", path))?;
            let sound = is_client_set(&segments) && segments != ["metadata"];
            if sound { Ok(segments) } else { Err(unknown("update_mask", path)) }
        };
        paths.iter().map(one).collect::<Result<_, _>>().map(Self::Paths)
    }

    /// Whether it is about the status and nothing else. Both at once cannot be changed together.
    pub(crate) fn is_of_status(&self) -> Result<bool, Failure> {
        let Self::Paths(paths) = self else { return Ok(false) };
        let of_status = paths.iter().filter(|path| path.first().is_some_and(|first| first == "status")).count();
        match of_status {
            0 => Ok(false),
            count if count == paths.len() => Ok(true),
            _ => Err(Failure::bad_field("update_mask", "the status is changed by itself: name nothing beside it")),
        }
    }
}

fn check_count(field: &str, paths: &[String]) -> Result<(), Failure> {
    if paths.len() > MAX_PATHS {
        return Err(Failure::bad_field(field, format!("has {} paths, and may have {MAX_PATHS}", paths.len())));
    }
    Ok(())
}

fn unknown(field: &str, path: &str) -> Failure {
    let shown: String = path.chars().take(200).collect();
    Failure::bad_field(field, format!("{shown:?} is no field that can be named here"))
}

/// The names of a path. One in backticks may have dots.
fn segments(path: &str) -> Option<Vec<String>> {
    let (mut all, mut rest) = (Vec::new(), path);
    loop {
        let (segment, after) = match rest.strip_prefix('`') {
            Some(quoted) => quoted.split_once('`')?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        if segment.is_empty() {
            return None;
        }
        all.push(segment.to_owned());
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(all),
            None => return None,
        }
    }
}

/// The path in JSON of one in `proto/`. Lists are replaced whole, so that nothing below one can be named.
fn json_path(shape: &ResourceShape, path: &[String]) -> Option<Vec<String>> {
    let (first, mut rest) = path.split_first()?;
    let (mut field, mut json) = shape.field(first)?;
    if shape.kind.sensitive && field.number == KEYS {
        return None;
    }
    while let Some((next, after)) = rest.split_first() {
        match (&field.shape, field.many) {
            (_, Many::Map) if after.is_empty() => {
                json.push(next.clone());
                return Some(json);
            }
            (Shape::Message(message), Many::One) => {
                field = message.by_name(next)?;
                json.push(field.json.clone());
                rest = after;
            }
            // What may hold anything has names of its own.
            (Shape::Struct, Many::One) => {
                json.extend(rest.iter().cloned());
                return Some(json);
            }
            _ => return None,
        }
    }
    is_client_set(&json).then_some(json)
}

/// Whether clients decide what is at a path: metadata is the server's, save these.
fn is_client_set(path: &[String]) -> bool {
    const OF_CLIENTS: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];
    match path {
        [first, second, ..] if first == "metadata" => OF_CLIENTS.contains(&second.as_str()),
        [first, ..] => !matches!(first.as_str(), "apiVersion" | "kind"),
        [] => false,
    }
}

/// The paths of what is set: of messages what is set below them, of lists and maps the whole. Not the status, which nobody means
/// who does not name it.
fn set_in(shape: &ResourceShape, object: &Map<String, Value>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    if let Some(metadata) = object.get("metadata").and_then(Value::as_object) {
        let names = metadata.keys().map(|name| vec!["metadata".to_owned(), name.clone()]);
        found.extend(names.filter(|path| is_client_set(path)));
    }
    below(&shape.body, object, &mut Vec::new(), &mut found);
    found.retain(|path| path.first().is_none_or(|first| first != "status"));
    found
}

fn below(message: &Message, object: &Map<String, Value>, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for field in &message.fields {
        let Some(value) = object.get(&field.json) else { continue };
        path.push(field.json.clone());
        match (&field.shape, field.many, value) {
            (Shape::Message(message), Many::One, Value::Object(fields)) if !fields.is_empty() => {
                below(message, fields, path, found);
            }
            _ => found.push(path.clone()),
        }
        path.pop();
    }
}

fn json_set_in(object: &Map<String, Value>, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (name, value) in object {
        if path.is_empty() && name == "status" {
            continue;
        }
        path.push(name.clone());
        match value {
            Value::Object(fields) if !fields.is_empty() => json_set_in(fields, path, found),
            _ => found.push(path.clone()),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests;

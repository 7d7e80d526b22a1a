//! From version 2, which is what KrakenD 1.x reads, to version 3.

use std::collections::HashSet;

use crate::config::RENAMED;
use crate::document::{Document, Entry, Format, Node, ReadError, Value};
use crate::namespace::{Lookup, look_up};
use crate::place::Place;
use crate::write;

/// What a migration made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The file of version 3, as JSON.
    pub text: String,
    /// What was changed, by place.
    pub changes: Vec<(Place, String)>,
}

/// Why a file is not migrated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// It cannot be read.
    #[error("{}: {}", .0.place, .0.problem)]
    Unreadable(#[from] ReadError),
    /// It is a template.
    #[error("{place}: {advice}")]
    Template {
        /// Where.
        place: Place,
        /// What to do.
        advice: &'static str,
    },
    /// It has a version that there is no way from.
    #[error("{place}: unsupported version: {version}: only version 2 can be migrated")]
    Version {
        /// Where it is written.
        place: Place,
        /// What is written.
        version: String,
    },
}

/// Renames what version 3 calls differently: `version` itself, the fields of endpoints and backends that have other names since, and
/// the namespaces of components. Values stay as they are, and so does what neither version knows.
///
/// # Errors
/// When `text` cannot be read, is a template, or is of another version than 2.
pub fn migrate(text: &str, format: Format) -> Result<Migrated, MigrateError> {
    let mut document = Document::read(text, format).map_err(|error| match crate::template::in_text(text) {
        Some((place, advice)) => MigrateError::Template { place, advice },
        None => MigrateError::Unreadable(error),
    })?;
    match crate::config::version(&document.root) {
        Ok(version) if version.value == 2 => {}
        Ok(version) => {
            let (place, version) = (version.place, version.value.to_string());
            return Err(MigrateError::Version { place, version });
        }
        Err(wrong) => return Err(MigrateError::Version { place: wrong.place, version: wrong.value }),
    }
    let mut changes = Vec::new();
    service(&mut document.root, &mut changes);
    changes.sort_by_key(|(place, _)| *place);
    Ok(Migrated { text: write::pretty(&document.root), changes })
}

fn entries(node: &mut Node) -> &mut [Entry] {
    match &mut node.value {
        Value::Map(entries) => entries,
        _ => &mut [],
    }
}

/// The members of a list; a single value is a list of one.
fn members(node: &mut Node) -> &mut [Node] {
    if matches!(node.value, Value::Map(_)) {
        return std::slice::from_mut(node);
    }
    match &mut node.value {
        Value::List(members) => members,
        _ => &mut [],
    }
}

fn service(root: &mut Node, changes: &mut Vec<(Place, String)>) {
    for entry in entries(root) {
        match entry.key.to_ascii_lowercase().as_str() {
            "version" => {
                changes.push((entry.place, "version is 3".to_owned()));
                entry.node.value = Value::Number("3".to_owned());
            }
            "extra_config" => components(&mut entry.node, changes),
            "endpoints" => members(&mut entry.node).iter_mut().for_each(|endpoint| part(endpoint, changes)),
            "async_agent" => members(&mut entry.node).iter_mut().for_each(|agent| part(agent, changes)),
            _ => {}
        }
    }
}

/// An endpoint, an agent or a backend.
fn part(node: &mut Node, changes: &mut Vec<(Place, String)>) {
    let mut taken: HashSet<String> = entries(node).iter().map(|entry| entry.key.to_ascii_lowercase()).collect();
    for entry in entries(node) {
        let key = entry.key.to_ascii_lowercase();
        match key.as_str() {
            "extra_config" => components(&mut entry.node, changes),
            "backend" => members(&mut entry.node).iter_mut().for_each(|backend| part(backend, changes)),
            _ => {}
        }
        let renamed = RENAMED.iter().find(|(before, _)| *before == key);
        // Where the new name is there already, it is the one that counts.
        if let Some((before, now)) = renamed.filter(|(_, now)| taken.insert((*now).to_owned())) {
            changes.push((entry.place, format!("{before} is {now}")));
            (*now).clone_into(&mut entry.key);
        }
    }
}

fn components(node: &mut Node, changes: &mut Vec<(Place, String)>) {
    let mut taken: HashSet<String> = entries(node).iter().map(|entry| entry.key.clone()).collect();
    for entry in entries(node) {
        let (Lookup::Known(namespace) | Lookup::Former(namespace)) = look_up(&entry.key) else { continue };
        let known_options: Vec<&str> = namespace.options.iter().map(|option| option.name).collect();
        options(&mut entry.node, &known_options, changes);
        if entry.key != namespace.name && taken.insert(namespace.name.to_owned()) {
            changes.push((entry.place, format!("{} is {}", entry.key, namespace.name)));
            namespace.name.clone_into(&mut entry.key);
        }
    }
}

/// Options that were written in another case, `maxRate` or `jwk-url`, as all of them are written since.
fn options(node: &mut Node, known: &[&str], changes: &mut Vec<(Place, String)>) {
    let plain = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    let mut taken: HashSet<String> = entries(node).iter().map(|entry| entry.key.clone()).collect();
    for entry in entries(node) {
        let now = known.iter().find(|name| plain(name) == plain(&entry.key));
        if let Some(now) = now.filter(|now| **now != entry.key && taken.insert((**now).to_owned())) {
            changes.push((entry.place, format!("{} is {now}", entry.key)));
            (*now).clone_into(&mut entry.key);
        }
    }
}

#[cfg(test)]
mod tests;

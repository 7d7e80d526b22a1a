//! `modifier/martian`: modifiers as `google/martian` 2.1 reads them, of which KrakenD has those that change something.
//!
//! KrakenD leaves out all modifiers of a backend when one of them is wrong, and tells of it in its log alone. Here what is wrong is
//! an error: who writes modifiers means them to be there.
//!
//! # Layout
//!
//! - `fields`: the fields of a modifier, which are strict about types and lenient about case. `scope`: which messages it changes.
//! - `change`: modifiers that change something. `filter`: those that depend on something. `group`: those of several.
//! - `cookie`: cookies as Go writes them.

mod change;
mod cookie;
mod fields;
mod filter;
mod group;
mod scope;

use backstay_proto::config;
use backstay_proto::config::modifier::Kind;

use self::fields::Fields;
use self::scope::Scope;
use crate::compile::written::Component;
use crate::document::{Entry, Node, Value};
use crate::place::{Path, Place};
use crate::problem::Report;
use crate::quote::quoted;

/// The modifiers of a backend: one, which may be a group.
pub(super) fn compile(component: Component<'_>) -> Vec<config::Modifier> {
    let reader = Reader { report: component.report() };
    let node = component.settings();
    reader.read(node, component.place(), &component.path()).into_iter().collect()
}

/// Reads modifiers, and tells what is wrong with them.
#[derive(Clone, Copy)]
struct Reader<'a> {
    report: &'a Report,
}

/// A modifier whose name is known.
struct Found<'a> {
    name: &'a str,
    /// Where its name is written.
    place: Place,
    path: &'a Path<'a>,
    fields: Fields<'a>,
}

impl Reader<'_> {
    /// A modifier: an object with one field, which names it.
    fn read(self, node: &Node, place: Place, path: &Path<'_>) -> Option<config::Modifier> {
        if !matches!(node.value, Value::Map(_)) {
            let message =
                format!("an object is wanted here, with the name of one modifier, and this is {}", node.kind());
            self.report.unreadable(place, path, message);
            return None;
        }
        let [Entry { key: name, place, node }] = node.entries() else {
            let count = node.entries().len();
            let message = format!(
                "one modifier is wanted here, and there are {count}: KrakenD does without any of them. Put several into a fifo.Group"
            );
            self.report.unreadable(place, path, message);
            return None;
        };
        let path = path.key(name);
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("an object is wanted here, and this is {}", node.kind());
            self.report.unreadable(*place, &path, message);
            return None;
        }
        let fields = Fields::of(node, &path, self.report);
        let found = Found { name, place: *place, path: &path, fields };
        let made = match name.as_str() {
            "fifo.Group" => self.fifo(&found),
            "priority.Group" => self.priority(&found),
            "header.Filter" | "header.RegexFilter" | "querystring.Filter" | "url.Filter" | "url.RegexFilter"
            | "port.Filter" | "cookie.Filter" => self.filter(&found),
            _ => self.change(&found),
        };
        found.fields.finish(name);
        made
    }

    /// Why a modifier is not to be had here.
    fn refuse(self, found: &Found<'_>) {
        let message = match found.name {
            "header.Verifier" | "querystring.Verifier" | "url.Verifier" | "status.Verifier" => {
                "it only takes notes, which KrakenD has no way to show: leave it out".to_owned()
            }
            "static.Modifier" => {
                "files are not served from a disk here: let a web server have them, and make that the host".to_owned()
            }
            "port.Modifier" => "calls go to the hosts of the backend: give the port there".to_owned(),
            other => {
                let message = format!(
                    "there is no modifier {}: KrakenD does without all modifiers of the backend",
                    quoted(other)
                );
                return self.report.unreadable(found.place, found.path, message);
            }
        };
        self.report.not_served(found.place, found.path, message);
    }
}

/// A modifier of the messages that `scope` has.
fn modifier(scope: Scope, kind: Kind) -> config::Modifier {
    config::Modifier { on_request: scope.request, on_response: scope.response, kind: Some(kind) }
}

#[cfg(test)]
mod tests;

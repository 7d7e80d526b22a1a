//! `extra_config`: components by their namespaces.

use crate::document::{Node, Value};
use crate::namespace::{Level, Lookup, Namespace, close_to, look_up};
use crate::object::{Field, is_comment};
use crate::place::{Path, Place};
use crate::problem::{Report, Severity};
use crate::quote::quoted;
use crate::weak;

/// A component that is known and stands where it has an effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extra<'d> {
    /// What it is.
    pub(crate) namespace: &'static Namespace,
    /// The name by which it is written, which may be an old one.
    pub(crate) key: &'d str,
    /// Where its name is written.
    pub(crate) place: Place,
    /// Its options: an object, or the list that `validation/cel` is.
    pub(crate) node: &'d Node,
}

/// An `extra_config`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras<'d> {
    /// In the order of the file; no namespace is there twice.
    pub(crate) list: Vec<Extra<'d>>,
}

impl<'d> Extras<'d> {
    /// Reads the field `extra_config`, and tells of what has no effect there.
    pub(crate) fn read(field: Option<Field<'d>>, level: Level, path: &Path<'_>, report: &Report) -> Self {
        let mut extras = Self::default();
        let Some(field) = field else { return extras };
        let path = path.key("extra_config");
        let Some(entries) = weak::entries(field.node) else {
            report.unreadable(
                field.place,
                &path,
                format!("an object is wanted here, and this is {}", field.node.kind()),
            );
            return extras;
        };
        for entry in entries.into_iter().filter(|entry| !is_comment(&entry.key)) {
            let path = path.key(&entry.key);
            let Some(namespace) = effective(&entry.key, entry.place, level, &path, report) else { continue };
            if entry.node.value == Value::Null {
                continue;
            }
            let (fits, wanted) = match namespace.name {
                "validation/cel" => (matches!(entry.node.value, Value::List(_)), "they are a list"),
                _ => (matches!(entry.node.value, Value::Map(_)), "its options are an object"),
            };
            if !fits {
                let message = format!("it is ignored: {wanted}, and this is {}", entry.node.kind());
                report.dropped(entry.place, &path, message);
                continue;
            }
            if let Some(before) = extras.get(namespace.name) {
                let message = format!("it is {} again, and KrakenD takes either by chance", quoted(before.key));
                report.dropped(entry.place, &path, message);
                continue;
            }
            extras.list.push(Extra { namespace, key: &entry.key, place: entry.place, node: &entry.node });
        }
        extras
    }

    /// The component `name`, by its name since KrakenD 2.
    pub(crate) fn get(&self, name: &str) -> Option<Extra<'d>> {
        self.list.iter().find(|extra| extra.namespace.name == name).copied()
    }
}

/// The component that a key stands for, if it has an effect there. It is told why it has none.
fn effective(key: &str, place: Place, level: Level, path: &Path<'_>, report: &Report) -> Option<&'static Namespace> {
    let guards = |namespace: &Namespace| match namespace.name {
        "auth/validator" => ": requests come in without a token",
        "qos/ratelimit/router" | "qos/ratelimit/proxy" => ": there is no limit",
        "security/cors" => ": browsers get no CORS headers",
        _ => "",
    };
    match look_up(key) {
        Lookup::Known(namespace) if namespace.levels.contains(&level) => Some(namespace),
        // What validators share is set there.
        Lookup::Known(namespace) if namespace.name == "auth/validator" && level == Level::Service => Some(namespace),
        Lookup::Known(namespace) => {
            let levels: Vec<_> = namespace.levels.iter().map(ToString::to_string).collect();
            let effect = guards(namespace);
            let message = format!("it has no effect in {level}{effect}; it belongs to {}", levels.join(" or "));
            report.dropped(place, path, message);
            None
        }
        Lookup::Former(namespace) => {
            let effect = guards(namespace);
            let message = format!("KrakenD ignores this old name{effect}; today it is {}", quoted(namespace.name));
            report.dropped(place, path, message);
            None
        }
        Lookup::Swapped(namespace, right) => {
            let effect = guards(namespace);
            let message = format!(
                "KrakenD ignores this spelling{effect}; it is {} with the other kind of dot, and today {}",
                quoted(right),
                quoted(namespace.name)
            );
            report.dropped(place, path, message);
            None
        }
        // A hint takes time, and where nobody reads it any more there is none.
        Lookup::Unknown if report.is_full(Severity::Warning) => {
            report.dropped(place, path, "");
            None
        }
        Lookup::Unknown => {
            let is_about_tokens = ["jwt", "jose", "token"].iter().any(|word| key.contains(word));
            let hint = match close_to(key) {
                _ if is_about_tokens => {
                    ": it guards nothing; tokens are checked by \"auth/validator\" of an endpoint".to_owned()
                }
                Some(namespace) => format!(": did you mean {}?", quoted(namespace.name)),
                None => String::new(),
            };
            report.dropped(place, path, format!("KrakenD ignores a namespace that it does not know{hint}"));
            None
        }
    }
}

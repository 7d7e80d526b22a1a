//! What else there is because of an object: what names it, and what is in it where it is a namespace.

use serde_json::Value;

use super::rows::counted;
use crate::api::{ApiError, Kind, Object};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

/// How many are told of.
const MOST: usize = 200;

/// Kinds of which something names others.
const NAMING: [&str; 6] =
    ["HTTPRoute", "BackendPolicy", "BackendTLSPolicy", "Gateway", "GatewayClass", "KrakendConfig"];

/// What uses an object.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Kind, namespace and name of each.
    found: Vec<(Kind, String, String)>,
    /// Whether there are more than are told of.
    more: bool,
    /// What could not be asked for, so that there may be more.
    unasked: Option<ApiError>,
    /// They are in it, and go with it.
    inside: bool,
}

impl Uses {
    /// What uses `object`, as far as whoever asks may see it.
    pub(super) async fn of(app: &App, object: &Object) -> Self {
        let kinds = match app.api.kinds().await {
            Ok(kinds) => kinds,
            Err(error) => return Self { unasked: Some(error), ..Self::default() },
        };
        let mut uses =
            Self { inside: object.kind.group.is_empty() && object.kind.kind == "Namespace", ..Self::default() };
        let asked = |kind: &&Kind| match uses.inside {
            // What has happened is nobody's loss.
            true => kind.namespaced && kind.kind != "Event",
            false => NAMING.contains(&kind.kind.as_str()) && kind.kind != object.kind.kind,
        };
        for kind in kinds.iter().filter(asked).collect::<Vec<_>>() {
            let of = if uses.inside { object.name.as_str() } else { "" };
            let items = match app.api.list(&kind.path(of), "").await {
                Ok(items) => items,
                Err(error) => {
                    uses.unasked = Some(error);
                    continue;
                }
            };
            for item in items.iter().filter(|item| uses.inside || names(item, object)) {
                if uses.found.len() >= MOST {
                    uses.more = true;
                    return uses;
                }
                let text = |name: &str| item["metadata"][name].as_str().unwrap_or_default().to_owned();
                uses.found.push((kind.clone(), text("namespace"), text("name")));
            }
        }
        uses
    }

    /// Whether nothing is known to use it.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many, in words.
    pub(super) fn count(&self) -> String {
        let (more, are) = (if self.more { "more than " } else { "" }, if self.found.len() == 1 { "is" } else { "are" });
        let number = counted(self.found.len(), "object");
        match self.inside {
            true => format!("{more}{number} {are} in it, and would be deleted with it"),
            false => format!("it is used by {more}{number}"),
        }
    }

    /// A part of a page, if there is anything to tell.
    pub(super) fn card(&self, out: &mut Html) {
        if self.found.is_empty() && self.unasked.is_none() {
            return;
        }
        html!(out; "<section class=\"card\"><h2>" (if self.inside { "In it" } else { "Used by" }) "</h2><ul class=\"plain\">");
        for (kind, namespace, name) in &self.found {
            let slash = if namespace.is_empty() { "" } else { "/" };
            html!(out; "<li><a href=\"" (kind.object_page(namespace, name)) "\">" (&kind.kind) " " (namespace) (slash) (name) "</a></li>");
        }
        html!(out; "</ul>");
        if self.more {
            html!(out; "<p class=\"quiet\">More are not listed.</p>");
        }
        if let Some(error) = &self.unasked {
            html!(out; "<p class=\"quiet\">There may be more, which you may not see:</p>" [&page::alert(error)]);
        }
        html!(out; "</section>");
    }
}

/// Whether somewhere in the spec of `item` there is a reference to `object`.
pub(super) fn names(item: &Value, object: &Object) -> bool {
    let own = item["metadata"]["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default");
    refers(&item["spec"], "", own, object)
}

/// Whether `value`, which stands in the field `field`, refers to `object`; `own` is the namespace that references mean without a word.
fn refers(value: &Value, field: &str, own: &str, object: &Object) -> bool {
    match value {
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let kind = text("kind").or(match field {
                "parentRefs" => Some("Gateway"),
                "certificateRefs" | "caCertificateRef" | "clientCertificateRef" => Some("Secret"),
                _ => None,
            });
            let near = !object.kind.namespaced || text("namespace").unwrap_or(own) == object.namespace;
            let is_it = kind == Some(object.kind.kind.as_str()) && text("name") == Some(object.name.as_str()) && near;
            is_it || fields.iter().any(|(field, value)| refers(value, field, own, object))
        }
        Value::Array(items) => items.iter().any(|value| refers(value, field, own, object)),
        Value::String(name) => {
            field == "gatewayClassName" && object.kind.kind == "GatewayClass" && *name == object.name
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! `validation/cel`: expressions that have to be true.
//!
//! KrakenD leaves out expressions whose types do not fit, and all of them where one cannot be read, and lets requests pass. Here that is
//! an error with its place.

use backstay_composition::Expressions;

use super::serves;
use crate::compile::written::{Component, Site};
use crate::document::Value;
use crate::place::{Path, Place};
use crate::quote::quoted;

/// The expressions; none where one of them is refused.
pub(super) fn compile(component: Component<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    let (report, root) = (component.report(), component.path());
    let members = component.settings().members();
    if members.len() > Expressions::MOST {
        report.not_served(component.place(), &root, format!("more than {} expressions are in it", Expressions::MOST));
        return Vec::new();
    }
    let mut is_sound = true;
    for (index, member) in members.iter().enumerate() {
        let path = root.index(index);
        if !matches!(member.value, Value::Map(_)) {
            report.unreadable(member.place, &path, format!("an object is wanted here, and this is {}", member.kind()));
            is_sound = false;
            continue;
        }
        let mut found = None;
        for entry in member.entries() {
            match entry.key.to_ascii_lowercase().as_str() {
                "check_expr" => found = Some(entry),
                // KrakenD reads it, and does nothing with it.
                "mod_expr" => report.dropped(entry.place, &path.key(&entry.key), "KrakenD does nothing with it"),
                _ if crate::object::is_comment(&entry.key) => {}
                _ => report.dropped(
                    entry.place,
                    &path.key(&entry.key),
                    "KrakenD ignores an option that it does not know",
                ),
            }
        }
        let Some(entry) = found else {
            report.dropped(member.place, &path, "there is no check_expr: nothing is evaluated");
            continue;
        };
        let path = path.key(&entry.key);
        match &entry.node.value {
            Value::Text(text) => is_sound &= check(component, text, entry.node.place, &path),
            _ => {
                report.unreadable(
                    entry.place,
                    &path,
                    format!("text is wanted here, and this is {}", entry.node.kind()),
                );
                is_sound = false;
            }
        }
        texts.extend(entry.node.text().map(str::to_owned));
    }
    if is_sound { texts } else { Vec::new() }
}

/// Whether an expression can be served. What it does not do is told.
fn check(component: Component<'_>, text: &str, place: Place, path: &Path<'_>) -> bool {
    let report = component.report();
    let made = match Expressions::new(&[text.to_owned()]) {
        Ok(made) => made,
        Err(error) => {
            report.not_served(place, path, error.to_string());
            return false;
        }
    };
    let has_token = match component.site {
        Site::Endpoint(endpoint) => serves(&endpoint.extensions, "auth/validator"),
        _ => false,
    };
    let (requests, answers, claims) = (made.concern_requests(), made.concern_answers(), made.concern_claims());
    let concerned = [requests, answers, claims].into_iter().filter(|concerned| *concerned).count();
    if concerned > 1 {
        let message = "it is evaluated of the request, of what is answered and of the token apart, by the letters req, resp and JWT in it, \
                       and one of them has no value then: it lets nothing pass";
        report.surprising(place, path, message);
    } else if concerned == 0 || claims && !has_token {
        let why = match claims {
            true => "no token is validated here",
            false => "it names no variable of a request, of what is answered or of a token",
        };
        report.dropped(place, path, format!("it is never evaluated, since {why}"));
    }
    if let Some(kind) = made.wrong_type() {
        report.surprising(
            place,
            path,
            format!("it is of type {}, and only true lets anything pass", quoted(&kind.to_string())),
        );
    }
    true
}

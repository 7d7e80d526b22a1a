//! `security/cors`.

use crate::config::Extra;
use crate::document::Value;
use crate::duration;
use crate::place::Path;
use crate::problem::Report;

/// Tells of what browsers or KrakenD do not take.
pub(super) fn check(extra: &Extra<'_>, path: &Path<'_>, report: &Report) {
    let node = extra.node;
    if let Some(age) = node.get("max_age") {
        let path = path.key("max_age");
        match &age.node.value {
            Value::Text(text) => {
                if let Err(error) = duration::parse(text) {
                    report.dropped(age.place, &path, format!("it does not count: {error}"));
                }
            }
            _ => report.refused(
                age.place,
                &path,
                "KrakenD panics at start where it is not text: write a duration such as \"12h\"",
            ),
        }
    }
    let origins = node.get("allow_origins");
    let listed = origins.map(|entry| entry.node.members()).unwrap_or_default();
    if listed.is_empty() {
        let place = origins.map_or(extra.place, |entry| entry.place);
        report.surprising(place, &path.key("allow_origins"), "every origin is allowed where none is listed");
    }
    let is_any = listed.iter().any(|origin| origin.text() == Some("*"));
    if let Some(credentials) = node.get("allow_credentials").filter(|entry| is_any && entry.node.is_true()) {
        let message = "browsers refuse answers that allow credentials to the origin *: list the origins";
        report.surprising(credentials.place, &path.key("allow_credentials"), message);
    }
}

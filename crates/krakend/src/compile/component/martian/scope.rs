//! Which messages a modifier changes.

use super::{Found, Reader};
use crate::quote::quoted;

/// Which messages a modifier changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) request: bool,
    pub(super) response: bool,
}

impl Scope {
    pub(super) const BOTH: Self = Self { request: true, response: true };
    pub(super) const REQUEST: Self = Self { request: true, response: false };
    pub(super) const RESPONSE: Self = Self { request: false, response: true };
}

impl Reader<'_> {
    /// The scope of a modifier that can change what `can` has: all of that where none is written.
    pub(super) fn scope(self, found: &Found<'_>, can: Scope) -> Option<Scope> {
        let Some(entry) = found.fields.get("scope") else { return Some(can) };
        let mut scope = Scope { request: false, response: false };
        let path = found.path.key(&entry.key);
        for member in found.fields.list("scope")? {
            match member.text() {
                Some("request") if can.request => scope.request = true,
                Some("response") if can.response => scope.response = true,
                Some(word @ ("request" | "response")) => {
                    let message = format!("{} changes no {word}", found.name);
                    self.report.unreadable(member.place, &path, message);
                    return None;
                }
                other => {
                    let message = format!(
                        "request or response is wanted here, and this is {}",
                        other.map_or_else(|| member.kind().to_owned(), quoted)
                    );
                    self.report.unreadable(member.place, &path, message);
                    return None;
                }
            }
        }
        if scope == (Scope { request: false, response: false }) {
            self.report.dropped(entry.place, &path, "it changes nothing: the scope is empty");
        }
        Some(scope)
    }
}

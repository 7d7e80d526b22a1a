//! What the response gets, whoever it comes from.

use backstay_model::sequence::HeaderMode;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Changes of a response's head, in order. Their values were computed from the request.
#[derive(Debug, Default)]
pub(in crate::forward) struct ResponseEdits(Vec<(HeaderName, Change)>);

#[derive(Debug)]
enum Change {
    Set(HeaderValue, HeaderMode),
    Remove,
}

impl ResponseEdits {
    pub(in crate::forward) fn set(&mut self, name: HeaderName, value: HeaderValue, mode: HeaderMode) {
        self.0.push((name, Change::Set(value, mode)));
    }

    pub(in crate::forward) fn remove(&mut self, name: HeaderName) {
        self.0.push((name, Change::Remove));
    }

    pub(in crate::forward) fn apply(self, headers: &mut HeaderMap) {
        for (name, change) in self.0 {
            match change {
                Change::Set(value, mode) => set(headers, name, value, mode),
                Change::Remove => {
                    headers.remove(name);
                }
            }
        }
    }
}

/// Sets a header in the way that `mode` says.
pub(in crate::forward) fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue, mode: HeaderMode) {
    match mode {
        HeaderMode::Replace => {
            headers.insert(name, value);
        }
        HeaderMode::IfAbsent if headers.contains_key(&name) => {}
        HeaderMode::IfAbsent | HeaderMode::Append => {
            headers.append(name, value);
        }
    }
}

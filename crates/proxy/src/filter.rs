//! Applies a rule's changes to heads and paths.

use http::HeaderMap;
use http::uri::PathAndQuery;

use backstay_model::{HeaderEdit, PathEdit};

/// Applies edits in order.
pub(crate) fn edit(headers: &mut HeaderMap, edits: &[HeaderEdit]) {
    for edit in edits {
        match edit {
            HeaderEdit::Set(name, value) => {
                headers.insert(name, value.clone());
            }
            HeaderEdit::Add(name, value) => {
                headers.append(name, value.clone());
            }
            HeaderEdit::Remove(name) => {
                headers.remove(name);
            }
        }
    }
}

/// The path that `edit` makes of `path`, of which the first `prefix` bytes matched. `None` leaves it.
pub(crate) fn rewrite(edit: &PathEdit, path: &str, prefix: Option<usize>) -> Option<String> {
    match edit {
        PathEdit::Full(new) => Some(new.to_string()),
        PathEdit::Prefix(new) => {
            let rest = path.get(prefix?..)?;
            let mut rewritten = String::with_capacity(new.len() + rest.len() + 1);
            rewritten.push_str(new.trim_end_matches('/'));
            rewritten.push_str(rest);
            if rewritten.is_empty() {
                rewritten.push('/');
            }
            Some(rewritten)
        }
    }
}

/// `path` with the query of the request. `None` when the result is no valid target.
pub(crate) fn with_query(mut path: String, query: Option<&str>) -> Option<PathAndQuery> {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    PathAndQuery::try_from(path).ok()
}

#[cfg(test)]
mod tests;

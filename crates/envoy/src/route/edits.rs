//! Changes of heads and paths.

use backstay_model::{HeaderEdit, PathEdit};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;
use http::{HeaderName, HeaderValue, header};

use crate::wire::substitution;

/// Edits of a head, with the effect that they have one after another: Envoy removes before it adds.
#[derive(Default)]
pub(super) struct Edits {
    pub(super) add: Vec<core::HeaderValueOption>,
    pub(super) remove: Vec<String>,
}

/// The edits of a head. `None` where there is one that Envoy cannot make.
pub(super) fn edits<'e>(edits: impl Iterator<Item = &'e HeaderEdit>) -> Option<Edits> {
    let mut all = Edits::default();
    for edit in edits {
        match edit {
            HeaderEdit::Set(name, value) => {
                all.forget(name);
                all.add.push(option(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd)?);
            }
            HeaderEdit::Add(name, value) => {
                all.add.push(option(name, value, HeaderAppendAction::AppendIfExistsOrAdd)?);
            }
            HeaderEdit::Remove(name) => {
                // Envoy keeps the host of a request, whatever is asked for.
                (*name != header::HOST).then_some(())?;
                all.forget(name);
                all.remove.push(name.as_str().to_owned());
            }
        }
    }
    Some(all)
}

impl Edits {
    fn forget(&mut self, name: &HeaderName) {
        self.add.retain(|option| option.header.as_ref().is_none_or(|header| header.key != name.as_str()));
    }
}

pub(super) fn option(
    name: &HeaderName,
    value: &HeaderValue,
    action: HeaderAppendAction,
) -> Option<core::HeaderValueOption> {
    if *name == header::HOST {
        return None;
    }
    // Values are formats there, in which a percent sign begins a variable.
    let value = std::str::from_utf8(value.as_bytes()).ok()?.replace('%', "%%");
    let header = core::HeaderValue { key: name.as_str().to_owned(), value, ..Default::default() };
    Some(core::HeaderValueOption {
        header: Some(header),
        append_action: action.into(),
        keep_empty_value: true,
        ..Default::default()
    })
}

/// A new path for requests.
pub(super) enum NewPath {
    /// In place of the prefix that the route matched.
    Prefix(String),
    /// In place of what an expression matches.
    Regex(RegexMatchAndSubstitute),
    /// In place of all.
    Whole(String),
}

/// What `edit` makes of paths that were matched by `prefix`, if it was by one. `None`: nothing.
pub(super) fn new_path(edit: &PathEdit, prefix: Option<&str>) -> Option<NewPath> {
    let new = match edit {
        PathEdit::Full(path) => return Some(NewPath::Whole(path.to_string())),
        PathEdit::Prefix(new) => new.trim_end_matches('/'),
    };
    match (prefix?.trim_end_matches('/'), new) {
        ("", "") => None,
        // Every path begins with this slash, and keeps it.
        ("", new) => substitution("^/", &literal(&format!("{new}/"))).map(NewPath::Regex),
        // Nothing in its place, and still a path.
        (prefix, "") => substitution(&format!("^{}/?", regex_syntax::escape(prefix)), "/").map(NewPath::Regex),
        (_, new) => Some(NewPath::Prefix(new.to_owned())),
    }
}

/// A text as what an expression is replaced by.
pub(super) fn literal(text: &str) -> String {
    text.replace('\\', r"\\")
}

//! Parts of a file in messages: in quotes, and cut where they are long.

use std::borrow::Cow;

/// How much of a value is repeated, in characters.
const QUOTED: usize = 200;

/// How many names are listed.
const LISTED: usize = 50;

/// A text for a message, cut where it is long.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

/// A value in quotes, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", cut(text))
}

/// Names as Go prints a list of them, `[a b]`, cut where there are many.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<_> = names.by_ref().take(LISTED).map(|name| cut(name)).collect();
    let more = if names.next().is_some() { " …" } else { "" };
    format!("[{}{more}]", shown.join(" "))
}

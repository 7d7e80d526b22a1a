//! Markup, in which every value is escaped.
//!
//! What is written here as a literal is markup; whatever else comes in is text. There is no way to put in markup that was made at run
//! time but as [`Html`], which was made in the same way.

use std::fmt::{Display, Write as _};

/// A piece of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Markup, as it stands in the source.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A value: in text, or in an attribute between double quotes.
    pub(crate) fn text(&mut self, value: impl Display) -> &mut Self {
        // Writing to a text fails never.
        let _ = write!(Escaped(&mut self.0), "{value}");
        self
    }

    /// Another piece.
    pub(crate) fn push(&mut self, piece: &Self) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What is no text: it would end the page, or turn it around.
                '\0'..='\u{8}'
                | '\u{b}'
                | '\u{c}'
                | '\u{e}'..='\u{1f}'
                | '\u{7f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// Puts a page together: literals are markup, `(values)` are escaped, `[pieces]` are markup that was made so.
macro_rules! html {
    ($out:expr;) => {};
    ($out:expr; $raw:literal $($rest:tt)*) => {{ $out.raw($raw); $crate::html::html!($out; $($rest)*); }};
    ($out:expr; ($value:expr) $($rest:tt)*) => {{ $out.text($value); $crate::html::html!($out; $($rest)*); }};
    ($out:expr; [$piece:expr] $($rest:tt)*) => {{ $out.push($piece); $crate::html::html!($out; $($rest)*); }};
}
pub(crate) use html;

#[cfg(test)]
mod tests;

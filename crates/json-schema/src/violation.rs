//! What is wrong with a document.

use std::fmt;

/// Something that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where: names and positions that lead there, joined by dots; `(root)` for all of it.
    pub field: String,
    /// What.
    pub description: String,
}

/// `name: Must be greater than 3`.
impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.description)
    }
}

/// What leads to a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Context<'a> {
    Root,
    Member(&'a str, &'a Context<'a>),
    Element(usize, &'a Context<'a>),
}

impl Context<'_> {
    pub(crate) fn field(&self) -> String {
        let mut names = Vec::new();
        let mut at = self;
        loop {
            match at {
                Context::Root => break,
                Context::Member(name, above) => {
                    names.push((*name).to_owned());
                    at = above;
                }
                Context::Element(position, above) => {
                    names.push(position.to_string());
                    at = above;
                }
            }
        }
        if names.is_empty() {
            return "(root)".to_owned();
        }
        names.reverse();
        names.join(".")
    }
}

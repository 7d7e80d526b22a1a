//! Paths with variables.

use std::borrow::Cow;

use backstay_composition::percent;
use backstay_proto::config;

use crate::fault::{Checked, Within, all, refuse};

/// A path with variables. It is matched by the elements of a path that is [decoded](DecodedPath).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathTemplate {
    /// What is between the slashes. The path `/` has one, which is empty.
    pub elements: Box<[Element]>,
    /// Whether values that are percent-encoded once more, or hold `?` or `#`, are refused.
    pub refuse_encoded_values: bool,
}

/// An element of a template: text, and a variable that takes what follows it. In the last element that is at least one character.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Element {
    /// The text.
    pub literal: Box<str>,
    /// The variable.
    pub variable: Option<Box<str>>,
}

/// A path after it is percent-decoded, as a whole: what decodes to a slash ends an element.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecodedPath<'p>(Cow<'p, str>);

/// A variable has a value that a template refuses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InvalidVariable {
    /// It is not percent-encoded as it says: the part that is not.
    Escape(String),
    /// It would be another value if it were decoded once more, or holds `?` or `#`.
    Encoded,
}

impl<'p> DecodedPath<'p> {
    /// Decodes `path`. `None` where that is not UTF-8, or where a percent sign is not followed by two digits.
    pub fn of(path: &'p str) -> Option<Self> {
        Some(Self(match percent::decoded(path).ok()? {
            Cow::Borrowed(_) => Cow::Borrowed(path),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
        }))
    }

    /// The decoded path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its elements; `None` if it does not begin with a slash.
    pub fn elements(&self) -> Option<impl Iterator<Item = &str>> {
        self.0.strip_prefix('/').map(|rest| rest.split('/'))
    }
}

impl PathTemplate {
    /// The variables with their values in `path`, which it matches.
    ///
    /// # Errors
    /// When the template refuses a value.
    pub fn variables<'a>(&'a self, path: &'a DecodedPath<'_>) -> Result<Vec<(&'a str, &'a str)>, InvalidVariable> {
        let elements = self.elements.iter().zip(path.elements().into_iter().flatten());
        let values = elements
            .filter_map(|(element, text)| Some((element.variable.as_deref()?, text.strip_prefix(&*element.literal)?)));
        let values: Vec<_> = values.collect();
        if self.refuse_encoded_values {
            values.iter().try_for_each(|(_, value)| check(value))?;
        }
        Ok(values)
    }

    /// Whether it has a variable.
    pub fn has_variables(&self) -> bool {
        self.elements.iter().any(|element| element.variable.is_some())
    }
}

/// Refuses a value that is percent-encoded once more.
fn check(value: &str) -> Result<(), InvalidVariable> {
    if value.contains(['?', '#']) {
        return Err(InvalidVariable::Encoded);
    }
    match percent::decoded(value) {
        Ok(Cow::Borrowed(_)) => Ok(()),
        Ok(Cow::Owned(_)) => Err(InvalidVariable::Encoded),
        Err(part) => Err(InvalidVariable::Escape(part)),
    }
}

/// A template, checked.
pub(super) fn template(message: &config::PathTemplate) -> Checked<PathTemplate> {
    if message.elements.is_empty() {
        return refuse("elements", "must hold at least one element");
    }
    let elements = &message.elements;
    let is_taken = |index: usize, name: &str| elements.iter().take(index).any(|other| other.variable == name);
    let one = |(index, message): (usize, &config::path_template::Element)| {
        let sound = if message.literal.contains('/') {
            refuse("literal", "must not have a slash in it")
        } else if !message.variable.is_empty() && is_taken(index, &message.variable) {
            refuse("variable", format!("{:?} is the name of another variable", message.variable))
        } else {
            Ok(())
        };
        sound.within_element("elements", index)?;
        let variable = (!message.variable.is_empty()).then(|| message.variable.as_str().into());
        Ok(Element { literal: message.literal.as_str().into(), variable })
    };
    let elements: Vec<_> = all(message.elements.iter().enumerate().map(one))?;
    Ok(PathTemplate { elements: elements.into(), refuse_encoded_values: message.refuse_encoded_values })
}

#[cfg(test)]
mod tests;

//! Texts.

use bytes::Bytes;

use crate::{Number, Replacement, Request, TableIndex, Value, Variable};

/// Longest text that is made, in bytes. What would be longer is absent: cut off, it would be something else.
pub const MAX_TEXT: usize = 64 << 10;

/// A text, which may be absent.
#[derive(Clone, Debug)]
pub enum Text {
    /// This one.
    Literal(Bytes),
    /// A part of the request.
    Variable(Variable),
    /// With ASCII letters in lower case.
    Lower(Box<Text>),
    /// With ASCII letters in upper case.
    Upper(Box<Text>),
    /// In decimal.
    Decimal(Box<Number>),
    /// One after another. What is absent adds nothing; the whole is there all the same.
    Concatenation(Box<[Text]>),
    /// With what a regular expression matches replaced; absent when the subject is.
    Replace(Box<Text>, Box<Replacement>),
    /// What a table has for a key.
    Lookup {
        /// The table.
        table: TableIndex,
        /// The key; absent, it is as empty.
        key: Box<Text>,
        /// What there is instead when the table does not have the key.
        default: Option<Box<Text>>,
    },
}

impl Text {
    /// A text that is known.
    #[must_use]
    pub fn literal(text: impl AsRef<[u8]>) -> Self {
        Self::Literal(Bytes::copy_from_slice(text.as_ref()))
    }

    /// The text, for `request`.
    pub fn of<'r>(&'r self, request: &'r (impl Request + ?Sized)) -> Option<Value<'r>> {
        match self {
            Self::Literal(text) => Some(Value::Borrowed(text)),
            Self::Variable(variable) => variable.of(request),
            Self::Lower(text) => {
                text.of(request).map(|text| cased(text, u8::is_ascii_uppercase, <[u8]>::make_ascii_lowercase))
            }
            Self::Upper(text) => {
                text.of(request).map(|text| cased(text, u8::is_ascii_lowercase, <[u8]>::make_ascii_uppercase))
            }
            Self::Decimal(number) => Some(number.of(request).to_string().into_bytes().into()),
            Self::Concatenation(texts) => concatenate(texts, request),
            Self::Replace(text, replacement) => replacement.apply(text.of(request)?),
            Self::Lookup { table, key, default } => {
                let found = request.lookup(*table, key.of(request).as_deref().unwrap_or_default());
                match (found, default) {
                    (Some(value), _) => Some(Value::Owned(value)),
                    (None, Some(default)) => default.of(request),
                    (None, None) => None,
                }
            }
        }
    }

    /// Whether it is there, for `request`.
    pub fn is_present(&self, request: &(impl Request + ?Sized)) -> bool {
        match self {
            Self::Literal(_) | Self::Decimal(_) => true,
            Self::Variable(variable) => variable.is_in(request),
            other => other.of(request).is_some(),
        }
    }
}

/// `text` changed by `change`, if any of it `differs`.
fn cased<'r>(text: Value<'r>, differs: fn(&u8) -> bool, change: fn(&mut [u8])) -> Value<'r> {
    if !text.iter().any(differs) {
        return text;
    }
    let mut changed = text.to_vec();
    change(&mut changed);
    changed.into()
}

fn concatenate<'r>(texts: &'r [Text], request: &'r (impl Request + ?Sized)) -> Option<Value<'r>> {
    let mut whole = Vec::new();
    for text in texts.iter().filter_map(|text| text.of(request)) {
        if whole.len() + text.len() > MAX_TEXT {
            return None;
        }
        whole.extend_from_slice(&text);
    }
    Some(whole.into())
}

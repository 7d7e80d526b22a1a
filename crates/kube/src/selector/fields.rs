//! Field selectors.

use backstay_resources::kind::Selectable;
use backstay_resources::{Kind, Object};

/// One comparison of a field.
#[derive(Debug)]
pub(crate) struct FieldRequirement {
    field: Field,
    value: String,
    equal: bool,
}

#[derive(Debug)]
enum Field {
    Name,
    Namespace,
    Other(&'static Selectable),
}

impl FieldRequirement {
    /// Whether the field is part of the key.
    pub(super) fn is_key(&self) -> bool {
        !matches!(self.field, Field::Other(_))
    }

    /// The name that it asks for, if it asks for one.
    pub(super) fn name(&self) -> Option<&str> {
        (matches!(self.field, Field::Name) && self.equal).then_some(self.value.as_str())
    }

    /// False only if the key rules the object out.
    pub(super) fn matches_key(&self, name: &str, namespace: &str) -> bool {
        match self.field {
            Field::Name => (name == self.value) == self.equal,
            Field::Namespace => (namespace == self.value) == self.equal,
            Field::Other(_) => true,
        }
    }

    /// False only if the object's own fields rule it out.
    pub(super) fn matches_object(&self, object: &Object) -> bool {
        match self.field {
            Field::Other(field) => ((field.value)(object) == self.value) == self.equal,
            Field::Name | Field::Namespace => true,
        }
    }
}

/// Reads comparisons separated by commas; `\` makes a comma, `=` or `\` part of a value.
pub(super) fn parse(kind: &'static Kind, text: &str) -> Result<Vec<FieldRequirement>, String> {
    let mut requirements = Vec::new();
    for term in terms(text).into_iter().filter(|term| !term.trim().is_empty()) {
        let at = term.find('=').ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{term}'"))?;
        let (left, right) = (&term[..at], &term[at + 1..]);
        let (name, equal, value) = match (left.strip_suffix('!'), right.strip_prefix('=')) {
            (Some(name), _) => (name, false, right),
            (None, Some(value)) => (left, true, value),
            (None, None) => (left, true, right),
        };
        let value = unescape(value).ok_or_else(|| format!("invalid field selector: bad escape in '{term}'"))?;
        let field = match name.trim() {
            "metadata.name" => Field::Name,
            "metadata.namespace" => Field::Namespace,
            other => match kind.selectable.iter().find(|field| field.path == other) {
                Some(field) => Field::Other(field),
                None => return Err(format!("field label not supported: {other}")),
            },
        };
        requirements.push(FieldRequirement { field, value, equal });
    }
    Ok(requirements)
}

fn terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b',' if !escaped => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            b'\\' => {
                escaped = !escaped;
                continue;
            }
            _ => {}
        }
        escaped = false;
    }
    terms.push(&text[start..]);
    terms
}

fn unescape(value: &str) -> Option<String> {
    let mut plain = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => plain.push(rest.next().filter(|c| matches!(c, '\\' | ',' | '='))?),
            ',' | '=' => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

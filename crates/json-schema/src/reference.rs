//! Where a `$ref` leads: to a part of the schema, by a pointer (RFC 6901), by a name that some part has given itself, or by both.

use std::collections::HashMap;

use crate::value::Value;

/// The parts of a schema that have names of their own.
pub(crate) struct Names<'s> {
    root: &'s Value,
    /// With the URI that references in it are relative to.
    named: HashMap<String, &'s Value>,
}

impl<'s> Names<'s> {
    /// Gathers them.
    pub(crate) fn of(root: &'s Value) -> Self {
        let mut names = Self { root, named: HashMap::new() };
        names.gather(root, "");
        names
    }

    fn gather(&mut self, value: &'s Value, base: &str) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.gather(element, base)),
            Value::Object(members) => {
                let base = base_of(value, base);
                if named(value).is_some() {
                    self.named.entry(base.clone()).or_insert(value);
                }
                for (name, member) in members {
                    match &**name {
                        "const" | "enum" => {}
                        // Names of members, not keywords.
                        "properties" | "dependencies" | "patternProperties" => {
                            if let Value::Object(members) = member {
                                members.iter().for_each(|(_, member)| self.gather(member, &base));
                            }
                        }
                        _ => self.gather(member, &base),
                    }
                }
            }
            _ => {}
        }
    }

    /// What `reference` leads to, written where references are relative to `base`, and what identifies that.
    pub(crate) fn find(&self, reference: &str, base: &str) -> Result<(String, &'s Value), &'static str> {
        const FETCHED: &str =
            "it leads out of the schema, and nothing is fetched: put what it leads to among the definitions";
        let absolute = join(base, reference);
        if let Some(value) = self.named.get(absolute.trim_end_matches('#')).or_else(|| self.named.get(&absolute)) {
            return Ok((absolute, value));
        }
        let (document, fragment) = absolute.split_once('#').unwrap_or((&absolute, ""));
        let document = match document {
            "" => self.root,
            named => self.named.get(named).ok_or(FETCHED)?,
        };
        let found = pointed(document, fragment).ok_or("it leads to nothing")?;
        Ok((absolute, found))
    }
}

/// The name that a schema gives itself.
fn named(schema: &Value) -> Option<&str> {
    schema.get("id").or_else(|| schema.get("$id"))?.text()
}

/// What references within `schema` are relative to.
pub(crate) fn base_of(schema: &Value, base: &str) -> String {
    named(schema).map_or_else(|| base.to_owned(), |name| join(base, name).trim_end_matches('#').to_owned())
}

/// What a fragment points to.
fn pointed<'s>(document: &'s Value, fragment: &str) -> Option<&'s Value> {
    let decoded = decoded(fragment)?;
    if decoded.is_empty() {
        return Some(document);
    }
    let mut at = document;
    for token in decoded.strip_prefix('/')?.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        at = match at {
            Value::Array(elements) => elements.get(token.parse::<usize>().ok()?)?,
            _ => at.get(&token)?,
        };
    }
    Some(at)
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let Some(digits) = after.get(..2).filter(|_| byte == b'%') else {
            out.push(byte);
            rest = after;
            continue;
        };
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after.get(2..).unwrap_or_default();
    }
    String::from_utf8(out).ok()
}

/// A reference, relative to a URI (RFC 3986, 5.2), as far as names of schemas need it.
fn join(base: &str, reference: &str) -> String {
    let without_fragment = base.split_once('#').map_or(base, |(before, _)| before);
    let scheme = reference.split_once(':').map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    }) {
        return reference.to_owned();
    }
    if reference.is_empty() || reference.starts_with('#') {
        return format!("{without_fragment}{reference}");
    }
    let authority = without_fragment.find("://").map_or(0, |at| {
        let after = without_fragment.get(at + 3..).unwrap_or_default();
        at + 3 + after.find('/').unwrap_or(after.len())
    });
    let (head, path) = without_fragment.split_at(authority);
    if reference.starts_with('/') {
        return format!("{head}{reference}");
    }
    let directory = path.rfind('/').map_or("", |at| path.get(..=at).unwrap_or_default());
    let directory = if directory.is_empty() && !head.is_empty() { "/" } else { directory };
    format!("{head}{directory}{reference}")
}

#[cfg(test)]
mod tests;

//! Queries: read and written as forms are (application/x-www-form-urlencoded).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::percent::{hex, percent};

/// Parameters by name; of each, the values in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(BTreeMap<Vec<u8>, Vec<Vec<u8>>>);

impl Query {
    /// Reads a query. What does not decode, and what has a semicolon in it, is left out.
    pub fn parse(query: &str) -> Self {
        let mut read = BTreeMap::<Vec<u8>, Vec<Vec<u8>>>::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (decode(name), decode(value)) {
                read.entry(name.into_owned()).or_default().push(value.into_owned());
            }
        }
        Self(read)
    }

    /// Leaves out what is not listed.
    pub(crate) fn retain(&mut self, listed: &[String]) {
        self.0.retain(|name, _| listed.iter().any(|known| known.as_bytes() == name));
    }

    /// The values of a parameter, if it is there.
    pub fn of(&self, name: &[u8]) -> Option<&[Vec<u8>]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Gives a parameter one value.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
    }

    /// The names, in the order of their bytes, each with its values.
    pub fn values(&self) -> impl Iterator<Item = (&[u8], &[Vec<u8>])> {
        self.0.iter().map(|(name, values)| (name.as_slice(), values.as_slice()))
    }

    /// The query in the order of its names; empty without parameters.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        for (name, values) in &self.0 {
            for value in values {
                if !out.is_empty() {
                    out.push('&');
                }
                encode(name, &mut out);
                out.push('=');
                encode(value, &mut out);
            }
        }
        out
    }
}

fn decode(text: &str) -> Option<Cow<'_, [u8]>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(Cow::Owned(out))
}

fn encode(text: &[u8], out: &mut String) {
    for &byte in text {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => percent(byte, out),
        }
    }
}

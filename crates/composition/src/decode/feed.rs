//! Feeds: RSS (0.9 to 2.0, RDF included) and Atom (0.3, 1.0), as one shape, with the names that the field's common feed reader
//! (gofeed) gives to it. Items are written in the order of those names and nothing leads into them. A JSON feed is JSON, and is
//! refused here. Relative links are not resolved, and dates are recognised in the forms of RFC 2822 and RFC 3339 alone.

mod atom;
mod element;
mod entry;
mod rss;

use bytes::Bytes;

use super::xml_text::charset;
use crate::document::{Object, Value};
use crate::error::DecodeError;
use crate::limits::Limits;
use entry::Person;

/// Decodes a feed.
pub(super) fn decode(body: &[u8], limits: &Limits) -> Result<Object, DecodeError> {
    let text = charset(body, limits.effective_response_bytes())?;
    if !text.trim_start().starts_with('<') {
        return Err(unknown());
    }
    let root = element::read(&text, limits)?;
    match root.name.as_str() {
        "rss" | "rdf" => Ok(rss::feed(&root).into_object()),
        "feed" => Ok(atom::feed(&root).into_object()),
        _ => Err(unknown()),
    }
}

fn unknown() -> DecodeError {
    DecodeError::Syntax("Failed to detect feed type".into())
}

/// A feed, whatever it was written as.
#[derive(Default)]
struct Feed {
    kind: &'static str,
    title: String,
    description: String,
    copyright: String,
    language: String,
    published: String,
    updated: String,
    author: Option<Person>,
    categories: Vec<String>,
    image: Option<String>,
    items: Vec<Value>,
}

impl Feed {
    fn into_object(self) -> Object {
        let mut members = vec![
            ("items", Value::Array(self.items)),
            ("author", self.author.map_or(Value::Null, Person::into_value)),
            ("categories", texts(self.categories).unwrap_or(Value::Null)),
            ("custom", Value::Null),
            ("copyright", Value::text(self.copyright)),
            ("description", Value::text(self.description)),
            ("type", Value::text(self.kind)),
            ("language", Value::text(self.language)),
            ("title", Value::text(self.title)),
            ("published", Value::text(self.published)),
            ("updated", Value::text(self.updated)),
        ];
        if let Some(image) = self.image {
            members.push(("img_url", Value::text(image)));
        }
        members.into_iter().map(|(name, value)| (Bytes::from_static(name.as_bytes()), value)).collect()
    }
}

/// Texts as an array; none is nothing.
fn texts(texts: Vec<String>) -> Option<Value> {
    (!texts.is_empty()).then(|| Value::Array(texts.into_iter().map(Value::text).collect()))
}

//! XML, made into objects the way that is usual among gateways: attributes with a prefix, a text after attributes or elements as
//! `#text`, elements of one name as an array. An element that begins with a text is that text, whatever follows it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use quick_xml::errors::IllFormedError;
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use super::xml_text::{charset, reference, trimmed};
use crate::document::{Object, Value};
use crate::error::DecodeError;
use crate::limits::Limits;

/// Decodes a document: an object with the root element as its member. What is wrong is told as KrakenD's library tells it.
pub(super) fn decode(body: &[u8], limits: &Limits) -> Result<Object, DecodeError> {
    read(body, limits).map_err(|error| match error {
        DecodeError::Syntax(what) => DecodeError::Syntax(format!("xml.Decoder.Token() - {what}").into()),
        other => other,
    })
}

fn read(body: &[u8], limits: &Limits) -> Result<Object, DecodeError> {
    let text = charset(body, limits.effective_response_bytes())?;
    let mut reader = reader(&text);
    let mut building = Building { open: Vec::new(), run: String::new(), limits, left: limits.values };
    loop {
        let event = reader.read_event().map_err(|error| {
            let position = reader.error_position();
            syntax(&text, position, &wording(&error, text.get(position as usize..).unwrap_or_default()))
        })?;
        let position = reader.buffer_position();
        match building.event(event).map_err(|fault| fault.at(&text, position))? {
            Next::More => {}
            Next::Root(root) => return Ok(root),
            Next::End if building.open.is_empty() => return Err(DecodeError::Empty),
            Next::End => return Err(syntax(&text, position, &"unexpected EOF")),
        }
    }
}

pub(super) fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    reader
}

pub(super) fn syntax(text: &str, position: u64, what: &dyn std::fmt::Display) -> DecodeError {
    let before = text.as_bytes().get(..position as usize).unwrap_or(text.as_bytes());
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    DecodeError::Syntax(format!("XML syntax error on line {line}: {what}").into())
}

/// An error in the words of Go's decoder, as far as it has the same. `at` begins where it is.
fn wording(error: &Error, at: &str) -> String {
    match error {
        Error::IllFormed(IllFormedError::UnclosedReference) => unclosed(at.strip_prefix('&').unwrap_or_default()),
        Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            format!("element <{expected}> closed by </{found}>")
        }
        Error::Syntax(_) => "unexpected EOF".to_owned(),
        other => other.to_string(),
    }
}

/// A reference without its end. `after` is what follows the ampersand.
fn unclosed(after: &str) -> String {
    let end = after.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(after.len());
    format!("invalid character entity &{} (no semicolon)", after.get(..end).unwrap_or_default())
}

/// What is wrong with an event.
pub(super) enum Fault {
    Text(String),
    Other(DecodeError),
}

impl Fault {
    pub(super) fn at(self, text: &str, position: u64) -> DecodeError {
        match self {
            Self::Text(what) => syntax(text, position, &what),
            Self::Other(error) => error,
        }
    }
}

enum Next {
    More,
    Root(Object),
    End,
}

/// An element that has not ended.
struct Element {
    name: Bytes,
    /// The text that it began with.
    bare: Option<Bytes>,
    members: BTreeMap<Bytes, Value>,
}

struct Building<'a> {
    open: Vec<Element>,
    /// Text and references that have nothing between them.
    run: String,
    limits: &'a Limits,
    left: u32,
}

impl Building<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<Next, Fault> {
        match event {
            Event::Text(text) => {
                self.run.push_str(&lines(&text));
                return Ok(Next::More);
            }
            Event::GeneralRef(name) => {
                self.run.push_str(&reference(&name).map_err(Fault::Text)?);
                return Ok(Next::More);
            }
            _ => {}
        }
        let run = std::mem::take(&mut self.run);
        self.text(&run)?;
        match event {
            Event::Start(start) => self.start(&start)?,
            Event::CData(text) => self.text(&lines(&text))?,
            Event::End(_) => return Ok(self.end()),
            Event::Eof => return Ok(Next::End),
            _ => {}
        }
        Ok(Next::More)
    }

    fn count(&mut self) -> Result<(), Fault> {
        let limit = self.limits.values;
        self.left = self.left.checked_sub(1).ok_or(Fault::Other(DecodeError::TooManyValues { limit }))?;
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        self.count()?;
        if self.open.len() as u32 >= self.limits.effective_depth() {
            return Err(Fault::Other(DecodeError::TooDeep));
        }
        let name = Bytes::copy_from_slice(start.local_name().as_ref().as_bytes());
        let mut members = BTreeMap::new();
        for (name, value) in attributes(start)? {
            self.count()?;
            members.insert(Bytes::from(format!("-{name}")), Value::text(value));
        }
        self.open.push(Element { name, bare: None, members });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let text = trimmed(text);
        if text.is_empty() || self.open.is_empty() {
            return Ok(());
        }
        self.count()?;
        let text = Bytes::copy_from_slice(text.as_bytes());
        if let Some(element) = self.open.last_mut() {
            if element.members.is_empty() {
                element.bare = Some(text);
            } else {
                element.members.insert(Bytes::from_static(b"#text"), Value::String(text));
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Next {
        let Some(Element { name, bare, members }) = self.open.pop() else { return Next::More };
        let value = match bare {
            Some(text) => Value::String(text),
            None if members.is_empty() => Value::String(Bytes::new()),
            None => Value::Object(Object::from_sorted(members.into_iter().collect())),
        };
        let Some(parent) = self.open.last_mut() else { return Next::Root(Object::single(name, value)) };
        match parent.members.get_mut(&name) {
            None => {
                parent.members.insert(name, value);
            }
            Some(Value::Array(elements)) => elements.push(value),
            Some(first) => {
                let only = std::mem::replace(first, Value::Null);
                *first = Value::Array(vec![only, value]);
            }
        }
        Next::More
    }
}

/// The attributes of an element, without the prefixes of their names.
pub(super) fn attributes<'a>(start: &'a BytesStart<'_>) -> Result<Vec<(&'a str, String)>, Fault> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| {
            let is_bare = matches!(error, AttrError::ExpectedEq(_));
            let what = if is_bare { "attribute name without = in" } else { "unquoted or missing attribute value in" };
            Fault::Text(format!("{what} element"))
        })?;
        let value = unescaped(&lines(&attribute.value)).map_err(Fault::Text)?;
        attributes.push((attribute.key.local_name().into_inner(), value));
    }
    Ok(attributes)
}

/// A text with its references replaced.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';').ok_or_else(|| unclosed(after))?;
        out.push_str(&reference(name)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A text whose lines end in line feeds alone (XML 1.0, 2.11).
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

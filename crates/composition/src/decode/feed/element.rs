//! XML as a tree of elements, with their content as it was written.

use crate::decode::xml::{Fault, attributes, lines, reader, syntax};
use crate::decode::xml_text::reference;
use crate::error::DecodeError;
use crate::limits::Limits;
use quick_xml::events::Event;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element<'a> {
    /// The name without its prefix, in lower case.
    pub(super) name: String,
    /// The prefix, if it says that the element is an extension.
    pub(super) extension: Option<String>,
    /// The name as it was written, without its prefix.
    pub(super) written: String,
    /// The prefix that content modules have.
    pub(super) is_content: bool,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element<'a>>,
    /// What stands between its tags: a part of the document, however deep it is nested.
    inner: &'a str,
}

/// Reads a document.
pub(super) fn read<'a>(text: &'a str, limits: &Limits) -> Result<Element<'a>, DecodeError> {
    let mut reader = reader(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut open: Vec<(Element<'a>, usize)> = Vec::new();
    let mut left = limits.values;
    loop {
        let before = reader.buffer_position();
        let event = reader.read_event().map_err(|error| syntax(text, reader.error_position(), &error))?;
        match event {
            Event::Start(start) => {
                if open.len() as u32 >= limits.effective_depth() {
                    return Err(DecodeError::TooDeep);
                }
                let found = attributes(&start).map_err(|fault: Fault| fault.at(text, before))?;
                let limit = limits.values;
                let counted = 1 + found.len() as u32;
                left = left.checked_sub(counted).ok_or(DecodeError::TooManyValues { limit })?;
                let attributes = found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                let prefix = start.name().prefix().map(|prefix| prefix.as_ref().to_owned());
                let element = Element::new(start.local_name().as_ref(), prefix, attributes);
                open.push((element, reader.buffer_position() as usize));
            }
            Event::End(_) => {
                let Some((mut element, start)) = open.pop() else { continue };
                let inner = text.get(start..(before as usize).max(start)).unwrap_or_default();
                element.inner = inner.trim();
                match open.last_mut() {
                    Some((parent, _)) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::Eof if open.is_empty() => return Err(DecodeError::Empty),
            Event::Eof => return Err(syntax(text, before, &"unexpected EOF")),
            _ => {}
        }
    }
}

impl<'a> Element<'a> {
    fn new(local: &str, prefix: Option<String>, attributes: Vec<(String, String)>) -> Self {
        let known = matches!(prefix.as_deref(), None | Some("rss" | "rdf" | "content"));
        Self {
            name: local.to_lowercase(),
            written: local.to_owned(),
            is_content: prefix.as_deref() == Some("content"),
            extension: if known { None } else { prefix },
            attributes,
            ..Self::default()
        }
    }

    /// The attribute of that name, without its prefix.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The children that are no extensions.
    pub(super) fn plain(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter(|child| child.extension.is_none())
    }

    /// What is between the tags, as text: character data as it is, references replaced, markup kept.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let inner = lines(self.inner);
        let mut rest = &*inner;
        while let Some((before, data)) = rest.split_once("<![CDATA[") {
            decode(before, &mut out);
            let Some((data, after)) = data.split_once("]]>") else {
                decode(data, &mut out);
                return out;
            };
            out.push_str(data);
            rest = after;
        }
        decode(rest, &mut out);
        out
    }

    /// What is between the tags, as it was written.
    pub(super) fn inner(&self) -> &str {
        self.inner
    }
}

/// Replaces references. What is none stays as it is.
fn decode(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match after.split_once(';').map(|(name, after)| (reference(name), name, after)) {
            Some((Ok(character), _, after)) => {
                out.push_str(&character);
                rest = after;
            }
            Some((Err(_), "nbsp", after)) => {
                out.push('\u{a0}');
                rest = after;
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

//! What a body says, by its encoding.

mod coding;
mod feed;
mod json;
mod xml;
mod xml_text;

use bytes::Bytes;

use crate::document::{Object, Reading, Shape, Top, Value};
use crate::error::DecodeError;
use crate::limits::Limits;

pub use coding::Gunzip;
pub(crate) use coding::undo_gzip;

/// How the body of an answer is decoded. Whatever it is, what comes out is an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoder {
    /// A JSON document (RFC 8259); its first value counts, and what follows it is ignored. `null` is no data at all, which leaves
    /// a response incomplete when it is merged.
    Json(Collection),
    /// A JSON document of any shape: an array becomes the member `collection`, a scalar the member `content`.
    SafeJson,
    /// An XML document (1.0): the root element is the one member. An element that has no attributes and begins with a text is that text,
    /// whatever follows it; otherwise attributes are members `-name` and a text is `#text`. Elements of one name become an array. Values
    /// are texts. Namespace prefixes are dropped; of texts that comments or elements part, the last one counts.
    Xml(Collection),
    /// A feed, RSS or Atom: `title`, `description`, `author`, `categories`, `copyright`, `language`, `published`, `updated`, `type`,
    /// `img_url` if it has a picture, and `items`, each with what it says. Neither paths nor operations lead into authors and items.
    Feed,
    /// Any body, as the member `content`.
    Text,
    /// The body is not decoded: it is streamed if the output is passed through as well, and not read otherwise.
    Opaque,
}

/// Whether a body is one thing or a list of things, which becomes the member `collection`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collection {
    /// One object.
    #[default]
    No,
    /// A list; of XML, whatever the document is.
    Yes,
}

impl Decoder {
    /// Decodes a body and applies what of a reading can be applied while it is read.
    pub(crate) fn decode(self, body: Bytes, reading: Reading<'_>, limits: &Limits) -> Result<Decoded, DecodeError> {
        if body.len() > limits.effective_response_bytes() {
            return Err(DecodeError::TooLong { limit: limits.effective_response_bytes() });
        }
        match self {
            Self::Json(Collection::No) => json::decode(body, &Reading { shape: Shape::Object, ..reading }, limits),
            Self::Json(Collection::Yes) => json::decode(body, &Reading { shape: Shape::Array, ..reading }, limits),
            Self::SafeJson => json::decode(body, &Reading { shape: Shape::Any, ..reading }, limits),
            Self::Xml(Collection::No) => xml::decode(&body, limits).map(Decoded::whole),
            Self::Xml(Collection::Yes) => xml::decode(&body, limits)
                .map(|root| Decoded::whole(Object::single(&b"collection"[..], Value::Object(root)))),
            Self::Feed => feed::decode(&body, limits).map(Decoded::whole),
            Self::Text => Ok(Decoded::whole(Object::single(&b"content"[..], Value::String(body)))),
            Self::Opaque => Ok(Decoded::whole(Object::empty())),
        }
    }
}

/// What was decoded.
pub(crate) enum Decoded {
    /// Target and selection have been applied.
    Read(Top),
    /// All of it: target and selection are still to be applied.
    Whole(Object),
}

impl Decoded {
    fn whole(object: Object) -> Self {
        Self::Whole(object)
    }
}

#[cfg(test)]
mod tests;

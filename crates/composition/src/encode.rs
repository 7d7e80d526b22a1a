//! What a response says, by the encoding that its client gets.

mod json;
mod negotiation;
mod xml;
mod yaml;

use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderValue;

use crate::document::{Object, Value};

/// How a response is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoder {
    /// JSON as Go's `encoding/json` writes maps: names in the order of their bytes, no blanks, `<`, `>`, `&`, U+2028 and U+2029
    /// escaped, number literals as they were received. No data at all is `null`.
    #[default]
    Json,
    /// As JSON, the member `collection` alone, or an empty array if there is none.
    JsonCollection,
    /// XML: the one member as the root element, or all of them in an element `doc`. Members `-name` are attributes, `#text` is the
    /// text. Elements are in the order of their names. What cannot be written, an attribute that is no scalar or a text with elements
    /// beside it, leaves the body empty.
    Xml,
    /// YAML 1.2, in blocks. Number literals are quoted, which makes them texts to a reader, but for those with an exponent and no point.
    Yaml,
    /// The first of JSON, plain text, XML and YAML that the client's `Accept` allows, in its order; plain text is YAML, and what
    /// is none of these JSON.
    Negotiate,
    /// The member `content` if it is a text, and nothing otherwise.
    Text,
    /// The answer of the one backend as it is: status, header fields and body, streamed.
    Opaque,
}

/// An encoded body.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) body: Bytes,
    pub(crate) content_type: HeaderValue,
}

impl Encoder {
    /// Encodes data; `headers` are the client's, for what is negotiated. What is passed through is not encoded here.
    pub(crate) fn encode(self, data: Option<Object>, headers: &HeaderMap) -> Encoded {
        match self {
            Self::Json | Self::Opaque => json(data.map_or(Value::Null, Value::Object)),
            Self::JsonCollection => {
                json(data.and_then(|data| data.get(b"collection")).unwrap_or_else(|| Value::Array(Vec::new())))
            }
            Self::Xml => encoded(xml::encode(data.unwrap_or_else(Object::empty)), "application/xml"),
            Self::Yaml => encoded(yaml::encode(data), "application/yaml; charset=utf-8"),
            Self::Negotiate => negotiation::negotiate(headers).encode(data, headers),
            Self::Text => {
                let content = data.and_then(|data| data.get(b"content")).map(Value::open);
                let body = if let Some(Value::String(text)) = content { text } else { Bytes::new() };
                Encoded { body, content_type: HeaderValue::from_static("text/plain; charset=utf-8") }
            }
        }
    }
}

fn json(value: Value) -> Encoded {
    encoded(json::encode(&value), "application/json; charset=utf-8")
}

fn encoded(body: Vec<u8>, content_type: &'static str) -> Encoded {
    Encoded { body: body.into(), content_type: HeaderValue::from_static(content_type) }
}

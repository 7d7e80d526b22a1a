//! What the client gets.

use backstay_composition::{Encoder, ErrorBody, Output};
use backstay_proto::config::{self, composed_output};
use http::HeaderMap;

use crate::fault::{Checked, Together, Within, refuse, unknown};
use crate::route::filter::header_name;
use crate::route::reply::fields;
use crate::scalar::limit;

/// What the client gets.
pub(super) fn output(message: Option<&config::ComposedOutput>) -> Checked<Output> {
    let Some(message) = message else { return refuse("", "must be set") };
    let completed = match message.completed_header.as_str() {
        "" => Ok(None),
        name => header_name(name).map(Some).within("completed_header"),
    };
    let (encoder, headers, completed, cache) = (
        encoder(message.encoding),
        fields("headers", &message.headers),
        completed,
        limit("cache", message.cache).map(Option::unwrap_or_default),
    )
        .together()?;
    let errors = if message.error_messages { ErrorBody::Message } else { ErrorBody::Empty };
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(name, value);
    }
    Ok(Output { encoder, headers: all, completed, cache, errors })
}

fn encoder(encoding: i32) -> Checked<Encoder> {
    use composed_output::Encoding;
    Ok(match Encoding::try_from(encoding) {
        Ok(Encoding::Json) => Encoder::Json,
        Ok(Encoding::JsonList) => Encoder::JsonCollection,
        Ok(Encoding::Xml) => Encoder::Xml,
        Ok(Encoding::Yaml) => Encoder::Yaml,
        Ok(Encoding::Negotiated) => Encoder::Negotiate,
        Ok(Encoding::Text) => Encoder::Text,
        Ok(Encoding::Opaque) => Encoder::Opaque,
        Err(_) => return unknown("encoding"),
    })
}

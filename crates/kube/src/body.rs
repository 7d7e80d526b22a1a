//! Reading request bodies.

use axum::body::Body;
use backstay_resources::decode::{self, Decoded};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::protobuf;
use crate::status::Failure;

/// How many times the limit is read of a body that is too large, so that a client which sends it whole before it reads
/// gets to see the answer instead of a reset.
const READ_ON: usize = 8;

/// The whole body, if it is not larger than `limit` bytes.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, Failure> {
    let mut body = body;
    match Limited::new(&mut body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let mut rest = Limited::new(body, limit.saturating_mul(READ_ON));
            while let Some(Ok(_)) = rest.frame().await {}
            Err(Failure::too_large(format!("Request entity too large: limit is {limit}")))
        }
        Err(error) => Err(Failure::bad_request(format!("the request body could not be read: {error}"))),
    }
}

/// The media type of a body, in lower case, without parameters. Empty if it is not said.
pub(crate) fn media_type(headers: &HeaderMap) -> Result<String, Failure> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(String::new()) };
    let text = value.to_str().map_err(|_| Failure::unsupported_media_type("the Content-Type header is not text"))?;
    Ok(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads an object.
pub(crate) fn decode(headers: &HeaderMap, bytes: &[u8]) -> Result<Decoded, Failure> {
    let media = media_type(headers)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::bad_request("the request body is empty"));
    }
    let decoded = match media.as_str() {
        "" | "application/json" => decode::json(bytes),
        "application/yaml" => decode::yaml(bytes),
        protobuf::MEDIA_TYPE => {
            return match protobuf::decode(bytes) {
                Ok(value) => Ok(Decoded { value, duplicates: Vec::new() }),
                Err(error @ protobuf::DecodeError::UnknownType { .. }) => {
                    Err(Failure::unsupported_media_type(error.to_string()))
                }
                Err(error) => Err(Failure::bad_request(error.to_string())),
            };
        }
        other => {
            return Err(Failure::unsupported_media_type(format!(
                "the body of the request was in an unknown format ({other}) - accepted media types include: \
                 application/json, application/yaml"
            )));
        }
    };
    decoded.map_err(|error| Failure::bad_request(format!("the request body is malformed: {error}")))
}

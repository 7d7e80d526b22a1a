//! How a client names the resources of a response that it did not apply.
//!
//! The protocol refuses (NACKs) a response as a whole. Ours adds one `backstay.config.v1.Rejections` to the details of the
//! error: what it names was not applied, everything else of the response was. To anyone else the details are opaque.

use backstay_proto::config::{Rejection, Rejections};
use backstay_proto::discovery::Any;
use prost::Message;

/// Type URL of `backstay.config.v1.Rejections`.
pub const REJECTIONS_TYPE_URL: &str = "type.googleapis.com/backstay.config.v1.Rejections";

/// The rejections among the details of a NACK. Nothing if there are none, or if they cannot be decoded: then the whole
/// response has to be taken as refused.
pub fn rejections(details: &[Any]) -> Option<Vec<Rejection>> {
    let any = details.iter().find(|any| any.type_url == REJECTIONS_TYPE_URL)?;
    let rejections = Rejections::decode(any.value.clone()).ok()?.rejections;
    (!rejections.is_empty()).then_some(rejections)
}

/// The detail that carries `rejections`.
pub fn details(rejections: Vec<Rejection>) -> Any {
    let value = Rejections { rejections }.encode_to_vec().into();
    Any { type_url: REJECTIONS_TYPE_URL.to_owned(), value }
}

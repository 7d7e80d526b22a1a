use backstay_proto::discovery::{DeltaDiscoveryRequest, DiscoveryRequest, Node, Status};
use bytes::{Buf as _, Bytes};
use prost::encoding::{DecodeContext, WireType, check_wire_type, decode_key, skip_field};
use prost::{DecodeError, Message as _};

use super::held::Held;
use super::{Options, Violation};
use crate::Variant;
use crate::wire::{take, text};

/// A request of either variant.
#[derive(Clone, Debug)]
pub struct Demand {
    pub(super) node: Option<Node>,
    pub(super) type_url: String,
    /// Of the response that it answers.
    pub(super) nonce: String,
    /// It refuses that response.
    pub(super) error: Option<Status>,
    pub(super) wants: Wants,
}

/// What it wants to be sent.
#[derive(Clone, Debug)]
pub(super) enum Wants {
    /// Names that are added and given up, and what the client holds.
    Change { subscribe: Vec<String>, unsubscribe: Vec<String>, held: Held },
    /// All names. The version that state of the world adds says nothing that the nonce does not.
    All(Vec<String>),
}

impl Demand {
    /// Reads a request of one of the variants.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn decode(message: Bytes, variant: Variant) -> Result<Self, DecodeError> {
        match variant {
            Variant::Incremental => Self::decode_incremental(message),
            Variant::StateOfTheWorld => DiscoveryRequest::decode(message).map(Self::from),
        }
    }

    /// Reads a `DeltaDiscoveryRequest`. Nearly all of them are answers, of a type and a nonce; some list thousands of resources, which stay
    /// the bytes that they came as.
    fn decode_incremental(mut message: Bytes) -> Result<Self, DecodeError> {
        let (mut node, mut error): (Option<Node>, Option<Status>) = (None, None);
        let (mut type_url, mut nonce) = (String::new(), String::new());
        let (mut subscribe, mut unsubscribe, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        while message.has_remaining() {
            let (number, kind) = decode_key(&mut message)?;
            if !(1..=7).contains(&number) {
                skip_field(kind, number, &mut message, DecodeContext::default())?;
                continue;
            }
            check_wire_type(WireType::LengthDelimited, kind)?;
            let payload = take(&mut message)?;
            match number {
                1 => node.get_or_insert_default().merge(payload)?,
                2 => type_url = text(&payload)?.to_owned(),
                3 => subscribe.push(text(&payload)?.to_owned()),
                4 => unsubscribe.push(text(&payload)?.to_owned()),
                5 => entries.push(payload),
                6 => nonce = text(&payload)?.to_owned(),
                _ => error.get_or_insert_default().merge(payload)?,
            }
        }
        let wants = Wants::Change { subscribe, unsubscribe, held: Held::of_entries(entries)? };
        Ok(Self { node, type_url, nonce, error, wants })
    }
}

impl From<DeltaDiscoveryRequest> for Demand {
    fn from(request: DeltaDiscoveryRequest) -> Self {
        Self {
            node: request.node,
            type_url: request.type_url,
            nonce: request.response_nonce,
            error: request.error_detail,
            wants: Wants::Change {
                subscribe: request.resource_names_subscribe,
                unsubscribe: request.resource_names_unsubscribe,
                held: request.initial_resource_versions.into_iter().collect(),
            },
        }
    }
}

impl From<DiscoveryRequest> for Demand {
    fn from(request: DiscoveryRequest) -> Self {
        Self {
            node: request.node,
            type_url: request.type_url,
            nonce: request.response_nonce,
            error: request.error_detail,
            wants: Wants::All(request.resource_names),
        }
    }
}

impl Demand {
    /// The type it is about.
    pub fn type_url(&self) -> &str {
        &self.type_url
    }

    /// Who opens a stream with this request. Later requests need not repeat it.
    ///
    /// # Errors
    /// It says nothing of that, or too much.
    pub fn node(&self, options: &Options) -> Result<&Node, Violation> {
        let node = self.node.as_ref().ok_or(Violation::NoNode)?;
        short_enough([&node.id, &node.cluster, &node.user_agent_version], options)?;
        Ok(node)
    }

    /// On a service of one type the request need not say which.
    ///
    /// # Errors
    /// It says another.
    pub fn imply(&mut self, implied: &str) -> Result<(), Violation> {
        if self.type_url.is_empty() {
            implied.clone_into(&mut self.type_url);
        }
        if self.type_url == implied { Ok(()) } else { Err(Violation::OtherType { implied: implied.to_owned() }) }
    }

    pub(super) fn check(&self, options: &Options) -> Result<(), Violation> {
        if self.type_url.is_empty() {
            return Err(Violation::NoType);
        }
        short_enough([&self.type_url], options)?;
        match &self.wants {
            Wants::All(names) => short_enough(names, options),
            Wants::Change { subscribe, unsubscribe, held } => {
                let (length, limit) = (held.longest(), options.max_name_bytes);
                if length > limit {
                    return Err(Violation::NameTooLong { length, limit });
                }
                short_enough(subscribe.iter().chain(unsubscribe), options)
            }
        }
    }
}

fn short_enough<'a>(names: impl IntoIterator<Item = &'a String>, options: &Options) -> Result<(), Violation> {
    let limit = options.max_name_bytes;
    match names.into_iter().map(String::len).max() {
        Some(length) if length > limit => Err(Violation::NameTooLong { length, limit }),
        _ => Ok(()),
    }
}

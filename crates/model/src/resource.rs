//! A resource as it arrives.

use backstay_proto::config::{self, resource};
use bytes::Bytes;
use prost::Message;

use crate::fault::{Checked, Faults, refuse, unknown};
use crate::name::Kind;
use crate::{AddressSet, Backend, Listener, Revocations, Route, Secret, Table, Telemetry, lookup};

/// A resource of any kind, checked by itself: what it refers to may not be there yet.
#[derive(Clone, Debug)]
pub enum Resource {
    /// See [`Secret`].
    Secret(Secret),
    /// See [`Backend`].
    Backend(Box<Backend>),
    /// Texts by text.
    Table(Table),
    /// Networks.
    AddressSet(AddressSet),
    /// Tokens that do not count any more.
    Revocations(Revocations),
    /// See [`Route`].
    Route(Route),
    /// See [`Listener`].
    Listener(Listener),
    /// See [`Telemetry`].
    Telemetry(Box<Telemetry>),
}

impl Resource {
    /// Decodes and checks the resource called `name`.
    ///
    /// # Errors
    /// All that is wrong with it: it cannot be decoded or says what this program does not know, it is of another kind than its
    /// name says (references go by name alone), or fields of it are at fault.
    pub fn decode(name: &str, value: Bytes) -> Checked<Self> {
        Self::try_from(&message(name, value)?)
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Secret(_) => Kind::Secret,
            Self::Backend(_) => Kind::Backend,
            Self::Table(_) => Kind::Table,
            Self::AddressSet(_) => Kind::AddressSet,
            Self::Revocations(_) => Kind::Revocations,
            Self::Route(_) => Kind::Route,
            Self::Listener(_) => Kind::Listener,
            Self::Telemetry(_) => Kind::Telemetry,
        }
    }
}

impl TryFrom<&resource::Kind> for Resource {
    type Error = Faults;

    fn try_from(message: &resource::Kind) -> Checked<Self> {
        Ok(match message {
            resource::Kind::Secret(message) => Self::Secret(message.try_into()?),
            resource::Kind::Backend(message) => Self::Backend(Box::new(message.try_into()?)),
            resource::Kind::Route(message) => Self::Route(message.try_into()?),
            resource::Kind::Listener(message) => Self::Listener(message.try_into()?),
            resource::Kind::Table(message) => Self::Table(lookup::table(message)?),
            resource::Kind::AddressSet(message) => Self::AddressSet(lookup::address_set(message)?),
            resource::Kind::Revocations(message) => Self::Revocations(lookup::revocations(message)?),
            resource::Kind::Telemetry(message) => Self::Telemetry(Box::new(message.try_into()?)),
        })
    }
}

fn message(name: &str, value: Bytes) -> Checked<resource::Kind> {
    let size = value.len();
    let resource = config::Resource::decode(value)
        .or_else(|error| refuse("", format!("the resource cannot be decoded: {error}")))?;
    // Fields that this program does not know are dropped as they are read: what is left is shorter.
    if resource.encoded_len() < size {
        return unknown("");
    }
    let Some(content) = resource.kind else { return unknown("") };
    let kind = match content {
        resource::Kind::Secret(_) => Kind::Secret,
        resource::Kind::Backend(_) => Kind::Backend,
        resource::Kind::Route(_) => Kind::Route,
        resource::Kind::Listener(_) => Kind::Listener,
        resource::Kind::Table(_) => Kind::Table,
        resource::Kind::AddressSet(_) => Kind::AddressSet,
        resource::Kind::Revocations(_) => Kind::Revocations,
        resource::Kind::Telemetry(_) => Kind::Telemetry,
    };
    if Kind::of(name) != Some(kind) {
        return refuse("", format!("a resource of kind {kind:?} cannot be called {name:?}"));
    }
    Ok(content)
}

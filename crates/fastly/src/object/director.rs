use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::shape::{COMMENT, Encoding, Fallback, Field, Identity, NAME, Part, Rename, Shape, Takes, settle};

/// How a director chooses. On the wire it is a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DirectorType {
    /// 1: by weight.
    #[default]
    Random,
    /// 2: one after another. Fastly no longer offers it; it is stored.
    RoundRobin,
    /// 3: by the request's host and target.
    Hash,
    /// 4: by the client.
    Client,
}

impl DirectorType {
    const ALL: [(Self, u8); 4] = [(Self::Random, 1), (Self::RoundRobin, 2), (Self::Hash, 3), (Self::Client, 4)];
}

impl Serialize for DirectorType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = Self::ALL.iter().find(|(kind, _)| kind == self).map_or(1, |(_, number)| *number);
        serializer.serialize_u8(number)
    }
}

impl<'de> Deserialize<'de> for DirectorType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = u8::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|(_, number)| *number == given).map(|(kind, _)| *kind);
        known.ok_or_else(|| serde::de::Error::custom(format!("{given} is no type of a director")))
    }
}

/// Several backends for one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Director {
    /// Unique within the version.
    pub name: String,
    /// Names of its backends, in the order in which they were added.
    pub backends: Vec<String>,
    /// Stored; it has no effect with Fastly either.
    pub capacity: u32,
    /// A comment.
    pub comment: String,
    /// Percent of the weight that must be healthy.
    pub quorum: u32,
    /// How many other backends are tried.
    pub retries: u32,
    /// A point of presence between. Stored, and not applicable.
    pub shield: Option<String>,
    /// How it chooses: 1 random, 3 hash, 4 client.
    #[serde(rename = "type")]
    #[schemars(with = "u8")]
    pub kind: DirectorType,
    /// Whether its backends are taken in the order in which they were added, each only while none before it can serve. What
    /// `type` and `quorum` say does not count then. An extension: clients of Fastly neither send nor need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<bool>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API. `backends` is no field: membership is a call of its own, and what a body says of it is not looked at.
pub(super) static SHAPE: Shape = Shape {
    segment: "director",
    list: "directors",
    label: "Director",
    fields: &[
        NAME,
        COMMENT,
        Field::number("capacity", 100),
        Field::new("quorum", Takes::Number(0, 100), Fallback::Number(75)),
        Field::number("retries", 5),
        Field::optional("shield"),
        Field::new("type", Takes::Number(1, 4), Fallback::Number(1)),
        Field::new("fallback", Takes::Boolean, Fallback::Absent),
    ],
    version: Encoding::Native,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Director>,
};

impl Part for Director {}

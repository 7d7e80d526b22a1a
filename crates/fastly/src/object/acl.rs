use std::net::IpAddr;

use backstay_resources::{ObjectMeta, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{COMMENT, Encoding, Fallback, Field, Identity, Part, Rename, Shape, Takes, settle};

/// An access control list as a version has it: its name. What is in it needs no version: [`FastlyAcl`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Acl {
    /// The same in every version; the name of the [`FastlyAcl`].
    pub id: String,
    /// Unique within the version; what conditions call it.
    pub name: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// The entries of an access control list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FastlyAcl {
    /// Standard object metadata. The name is the list's identifier.
    pub metadata: ObjectMeta,
    /// What is stored.
    pub spec: AclSpec,
}

/// What is stored of an access control list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AclSpec {
    /// Identifier of its service.
    pub service: String,
    /// In the order in which they were added.
    pub entries: Vec<AclEntry>,
}

/// An address or a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AclEntry {
    /// Its identifier.
    pub id: String,
    /// An address, or the first one of a network.
    pub ip: String,
    /// Length of the network's prefix. None: the address alone.
    pub subnet: Option<u8>,
    /// Whether it takes out of the list what a wider entry has put in.
    pub negated: bool,
    /// A comment.
    pub comment: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// A name that VCL can use.
pub(super) fn check_identifier(title: &str, name: &str) -> Result<(), String> {
    let is_sound = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_sound { Ok(()) } else { Err(format!("{title} '{name}' is not a letter and letters, digits and underscores")) }
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "acl",
    list: "acls",
    label: "ACL",
    fields: &[Field::new("name", Takes::Text(255), Fallback::Required)],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Id,
    settle: settle::<Acl>,
};

/// An entry, to the API.
pub(crate) static ENTRY_FIELDS: &[Field] = &[
    Field::new("ip", Takes::Text(64), Fallback::Required),
    Field::new("subnet", Takes::Number(0, 128), Fallback::Null),
    // Answers write 0 and 1, as numbers.
    Field::new("negated", Takes::Boolean, Fallback::Boolean(false)),
    COMMENT,
];

impl Part for Acl {
    fn check(&self) -> Result<(), String> {
        check_identifier("Name", &self.name)
    }
}

impl Part for AclEntry {
    fn normalise(&mut self) {
        let parts = self.ip.split_once('/').map(|(ip, length)| (ip.to_owned(), length.parse().ok()));
        if let Some((ip, Some(length))) = parts {
            self.ip = ip;
            self.subnet = Some(length);
        }
    }

    fn check(&self) -> Result<(), String> {
        let address: IpAddr =
            self.ip.parse().map_err(|_| format!("Ip '{}' is not a valid IPv4 or IPv6 address", self.ip))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        match self.subnet.filter(|subnet| *subnet > most) {
            Some(subnet) => Err(format!("Subnet '{subnet}' is not from 0 to {most}")),
            None => Ok(()),
        }
    }
}

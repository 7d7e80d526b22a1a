//! What the dialect stores: kinds of objects, and the parts of a version as Rust types.
//!
//! Everything inside `spec` is spelled as Fastly's API spells it. An object of these kinds is written by that API alone;
//! other clients read it.
//!
//! # Layout
//!
//! - `service`, `version`, `acl`, `dictionary`, `tombstone`: the kinds. `kinds`: what API machinery knows of them.
//! - One module for each part of a version, with its fields, their defaults and what is refused.
//! - [`shape`]: what a part is to the API: where it is found, which fields it has, how they are read and written. [`SHAPES`]:
//!   all kinds of them.
//! - [`host`]: addresses and host names. `id`: identifiers. `redact`: what is not told of what is stored.

mod acl;
mod backend;
mod cache_settings;
mod condition;
mod dictionary;
mod director;
mod domain;
mod gzip;
mod header;
mod healthcheck;
pub mod host;
mod id;
mod kinds;
mod logging;
mod redact;
mod request_settings;
mod response_object;
mod service;
mod settings;
pub mod shape;
mod shapes;
mod snippet;
mod tombstone;
mod vcl;
mod version;

use serde_json::{Map, Value};

pub use self::acl::{Acl, AclEntry, AclSpec, FastlyAcl};
pub use self::backend::Backend;
pub use self::cache_settings::CacheSettings;
pub use self::condition::{Condition, ConditionType};
pub use self::dictionary::{Dictionary, DictionaryItem, DictionarySpec, FastlyDictionary};
pub use self::director::{Director, DirectorType};
pub use self::domain::Domain;
pub use self::gzip::Gzip;
pub use self::header::{Header, HeaderAction, HeaderType};
pub use self::healthcheck::Healthcheck;
pub use self::id::{new_id, version_name};
pub use self::kinds::{FASTLY_ACL, FASTLY_DICTIONARY, FASTLY_SERVICE, FASTLY_TOMBSTONE, FASTLY_VERSION, KINDS};
pub use self::logging::LogEndpoint;
pub use self::request_settings::{RequestSettings, Xff};
pub use self::response_object::ResponseObject;
pub use self::service::{DynamicSnippet, FastlyService, ServiceSpec, ServiceType};
pub use self::settings::Settings;
pub use self::shape::{Field, Shape};
pub use self::shapes::{SHAPES, shape_of};
pub use self::snippet::Snippet;
pub use self::tombstone::{FastlyTombstone, TombstoneSpec};
pub use self::vcl::Vcl;
pub use self::version::{FastlyVersion, VersionSpec};

pub(crate) use self::acl::ENTRY_FIELDS;
pub(crate) use self::settings::FIELDS as SETTINGS_FIELDS;

/// Checks settings and gives them their stored form.
pub(crate) fn settle_settings(fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    shape::settle::<Settings>(fields)
}

/// Checks an entry of an access control list and gives it its stored form.
pub(crate) fn settle_entry(fields: Map<String, Value>) -> Result<AclEntry, String> {
    let settled = shape::settle::<AclEntry>(fields)?;
    serde_json::from_value(Value::Object(settled)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;

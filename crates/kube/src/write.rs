//! Create, update and apply.

mod apply;
mod create;
mod masked;
mod update;

use backstay_resources::Timestamp;
use backstay_resources::decode::Decoded;
use backstay_store::Entry;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use self::apply::Config;
pub(crate) use self::create::create;
pub(crate) use self::masked::Masked;
pub(crate) use self::update::update;
use crate::api::Api;
use crate::ownership::Writer;
use crate::patch::Patch;
use crate::path::{Part, Subject};
use crate::query::Params;
use crate::respond::Reply;
use crate::status::Failure;
use crate::view::Renderer;
use crate::{body, query};

/// What a write left behind.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) status: StatusCode,
    /// The object, encoded.
    pub(crate) value: Bytes,
    /// `None` if it has never been stored.
    pub(crate) revision: Option<u64>,
    pub(crate) warnings: Vec<String>,
    /// Whether the object is going away, or has gone with this.
    pub(crate) goes: bool,
}

impl Written {
    pub(crate) fn stored(status: StatusCode, entry: &Entry, warnings: Vec<String>) -> Self {
        Self { status, value: entry.value.to_bytes(), revision: Some(entry.modified), warnings, goes: false }
    }

    /// As an answer.
    pub(crate) fn reply(self, renderer: &Renderer) -> Reply {
        let mut json = Vec::with_capacity(self.value.len() + 64);
        match self.revision {
            Some(revision) => renderer.one(&self.value, revision, &mut json),
            None if renderer.view == crate::accept::View::Whole => renderer.unstored(&self.value, &mut json),
            None => renderer.one(&self.value, 0, &mut json),
        }
        Reply { warnings: self.warnings, ..Reply::new(self.status, json) }
    }
}

/// What an update does to an object.
#[derive(Debug)]
pub(crate) enum Edit {
    Replace(Decoded),
    Masked(Masked),
    Patch(Patch),
    Apply(Config),
}

impl Edit {
    /// What is applied on the server.
    pub(crate) fn apply(fields: Map<String, Value>) -> Self {
        Self::Apply(Config::of(fields))
    }

    /// Whether a version that the object has when it is edited is one that the client named.
    fn names_version(&self) -> bool {
        match self {
            Self::Replace(_) => true,
            Self::Masked(masked) => masked.version.is_some(),
            Self::Patch(_) | Self::Apply(_) => false,
        }
    }

    /// Reads the body of a `PATCH`.
    pub(crate) fn patch(
        api: &Api,
        subject: &Subject,
        params: &Params,
        headers: &HeaderMap,
        bytes: &[u8],
    ) -> Result<Self, Failure> {
        let is_apply = body::media_type(headers)? == apply::MEDIA_TYPE;
        query::check_patch(params, is_apply)?;
        if is_apply {
            return Ok(Self::Apply(Config::parse(bytes, params.field_validation)?));
        }
        Ok(Self::Patch(Patch::parse(subject.served.kind, headers, bytes, api.options.max_patch_operations)?))
    }
}

/// Who writes what.
fn writer(params: &Params, part: Part) -> Writer<'_> {
    let subresource = if part == Part::Status { "status" } else { "" };
    Writer { manager: &params.manager, subresource, time: Timestamp::now() }
}

//! What other dialects say about what they ask for.

use crate::delete::{Options as DeleteOptions, Propagation};
use crate::query::{Params, VersionMatch};
use crate::status::Failure;

/// About a write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writing<'a> {
    /// Whom the client names as the one who sets the fields.
    pub manager: &'a str,
    /// Which program the client is, as it says: the manager where none is named.
    pub agent: &'a str,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
    /// Whether an apply takes over what others own; `None` for all else.
    pub(super) force: Option<bool>,
}

impl<'a> Writing<'a> {
    /// A write by `manager`, or else by `agent`.
    #[must_use]
    pub fn new(manager: &'a str, agent: &'a str, dry_run: bool) -> Self {
        Self { manager, agent, dry_run, force: None }
    }
    pub(super) fn params(&self) -> Result<Params, Failure> {
        Params::of_writer(self.manager, self.agent, self.dry_run, self.force)
    }
}

/// About a deletion.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    /// The uid that the object must have.
    pub uid: Option<String>,
    /// The version that the object must have.
    pub revision: Option<u64>,
    /// What becomes of what belongs to it.
    pub propagation: Propagation,
    /// Whether nothing is to be deleted.
    pub dry_run: bool,
}

impl Deletion {
    pub(super) fn options(&self) -> DeleteOptions {
        DeleteOptions::new(self.dry_run, self.uid.clone(), self.revision, self.propagation)
    }
}

/// About a watch.
#[derive(Debug, Clone, Default)]
pub struct Following {
    /// Label selector; empty is all.
    pub labels: String,
    /// Field selector; empty is all.
    pub fields: String,
    /// The revision after which to follow; `None`: what there is comes first, and then that this was all.
    pub after: Option<u64>,
    /// Whether to tell how far the watch has come.
    pub bookmarks: bool,
}

impl Following {
    pub(super) fn params(&self) -> Params {
        let state = self.after.is_none();
        Params {
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            resource_version: self.after,
            send_initial_events: Some(state),
            version_match: Some(VersionMatch::NotOlderThan),
            allow_bookmarks: self.bookmarks,
            ..Params::default()
        }
    }
}

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchFormat {
    /// RFC 6902.
    Json,
    /// RFC 7396.
    Merge,
    /// Kubernetes' own, of core kinds.
    Strategic,
}

impl PatchFormat {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

//! What a client says about a deletion.

use backstay_resources::decode::Decoded;
use backstay_resources::{FieldError, FieldPath, Object};
use backstay_store::Entry;
use http::HeaderMap;
use serde::Deserialize;

use super::dependents::Propagation;
use crate::body;
use crate::query::{self, Params};
use crate::served::ServedKind;
use crate::status::Failure;

/// Whether a deletion reaches the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does: the object goes, or is marked.
    #[default]
    Stored,
    /// It is checked and answered, and nothing is stored: `dryRun=All`.
    DryRun,
}

/// What a client says about a deletion, in the body or in the query.
#[derive(Debug, Default)]
pub(crate) struct Options {
    effect: Effect,
    uid: Option<String>,
    revision: Option<u64>,
    propagation: Propagation,
}

/// An unknown field is an error, and not passed over as Kubernetes does: one that is misspelt would not hold back what it
/// was written to hold back.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Body {
    kind: Option<String>,
    /// Clients write the group of what they delete as well as `v1`.
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    dry_run: Option<Vec<String>>,
    grace_period_seconds: Option<i64>,
    propagation_policy: Option<String>,
    orphan_dependents: Option<bool>,
    preconditions: Option<Preconditions>,
    ignore_store_read_error_with_cluster_breaking_potential: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

impl Options {
    /// Reads the body, which may be empty, and the query.
    pub(crate) fn parse(headers: &HeaderMap, bytes: &[u8], params: &Params) -> Result<Self, Failure> {
        let said = match bytes {
            [] => Body::default(),
            bytes => {
                let Decoded { value, duplicates } = body::decode(headers, bytes)?;
                if !value.is_object() {
                    return Err(Failure::bad_request("the delete options are not an object"));
                }
                if let Some(duplicate) = duplicates.first() {
                    return Err(Failure::bad_request(format!("the delete options are malformed: {duplicate}")));
                }
                serde_json::from_value(value)
                    .map_err(|error| Failure::bad_request(format!("the delete options are malformed: {error}")))?
            }
        };
        if let Some(kind) = said.kind.filter(|kind| !matches!(kind.as_str(), "" | "DeleteOptions")) {
            return Err(Failure::bad_request(format!("the body of a deletion is DeleteOptions, not {kind:?}")));
        }
        let mut errors = Vec::new();
        let policy = said.propagation_policy.or_else(|| params.propagation_policy.clone());
        if let Some(policy) = &policy {
            const POLICIES: [&str; 3] = ["Background", "Foreground", "Orphan"];
            if !POLICIES.contains(&policy.as_str()) {
                errors.push(FieldError::not_supported(FieldPath::new("propagationPolicy"), policy, &POLICIES));
            } else if said.orphan_dependents.or(params.orphan_dependents).is_some() {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid(FieldPath::new("propagationPolicy"), policy, why));
            }
        }
        let orphans = said.orphan_dependents.or(params.orphan_dependents);
        let propagation = match policy.as_deref() {
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            None if orphans == Some(true) => Propagation::Orphan,
            _ => Propagation::Background,
        };
        let grace = said.grace_period_seconds.or(params.grace_period_seconds);
        if let Some(grace) = grace.filter(|grace| *grace < 0) {
            errors.push(FieldError::invalid(FieldPath::new("gracePeriodSeconds"), grace, "must not be negative"));
        }
        let ignores = said.ignore_store_read_error_with_cluster_breaking_potential;
        if ignores.or(params.ignore_store_read_error) == Some(true) {
            let path = FieldPath::new("ignoreStoreReadErrorWithClusterBreakingPotential");
            errors.push(FieldError::forbidden(path, "the store has no objects that cannot be read"));
        }
        if !errors.is_empty() {
            return Err(Failure::invalid_options("DeleteOptions", &errors));
        }
        let preconditions = said.preconditions.unwrap_or_default();
        let stages = said.dry_run.unwrap_or_default();
        let dry_run = query::dry_run(stages.iter().map(String::as_str))? || params.dry_run;
        Ok(Self {
            effect: if dry_run { Effect::DryRun } else { Effect::Stored },
            uid: preconditions.uid,
            revision: preconditions.resource_version.as_deref().map(query::resource_version).transpose()?,
            propagation,
        })
    }

    /// The deletion of the object with this uid.
    pub(crate) fn of(uid: String, propagation: Propagation) -> Self {
        Self { uid: Some(uid), propagation, ..Self::default() }
    }

    /// What somebody says who sends neither a body nor a query.
    pub(crate) fn new(dry_run: bool, uid: Option<String>, revision: Option<u64>, propagation: Propagation) -> Self {
        let effect = if dry_run { Effect::DryRun } else { Effect::Stored };
        Self { effect, uid, revision, propagation }
    }

    /// What becomes of what belongs to the object.
    pub(crate) fn propagation(&self) -> Propagation {
        self.propagation
    }

    /// Whether the deletion reaches the store.
    pub(crate) fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether nothing is to be deleted.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.effect == Effect::DryRun
    }

    /// Whether there is something that objects are to be looked at for before they are deleted.
    pub(super) fn has_preconditions(&self) -> bool {
        self.uid.is_some() || self.revision.is_some()
    }

    /// 409 if a precondition does not hold.
    pub(super) fn check(&self, served: &ServedKind, entry: &Entry, object: &Object) -> Result<(), Failure> {
        let (name, stored) = (entry.key.name(), &object.metadata.uid);
        if let Some(uid) = self.uid.as_ref().filter(|uid| *uid != stored) {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {stored}");
            return Err(Failure::conflict(served.kind, name, &why));
        }
        let stored = entry.modified;
        if let Some(version) = self.revision.filter(|version| *version != stored) {
            let what = "Precondition failed: ResourceVersion in precondition";
            let why = format!("{what}: {version}, ResourceVersion in object meta: {stored}");
            return Err(Failure::conflict(served.kind, name, &why));
        }
        Ok(())
    }
}

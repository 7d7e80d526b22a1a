//! Who calls, and whether they may.

use std::sync::Arc;

use backstay_kube::{Failure, ServedKind};
use backstay_resources::Verb;
use http::Extensions;
use tonic::metadata::MetadataMap;

/// What a caller wants to do, in the words that roles are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'a> {
    /// What is done.
    pub verb: Verb,
    /// API group of the kind; empty for the core group.
    pub group: &'a str,
    /// Plural of the kind.
    pub resource: &'a str,
    /// `status`, or empty.
    pub subresource: &'a str,
    /// Empty for all namespaces, and for kinds that are in none.
    pub namespace: &'a str,
    /// Empty for a collection.
    pub name: &'a str,
}

/// Decides what a caller may do. Whoever authenticates requests puts an [`Authorizer`] into their extensions.
pub trait Authorize: Send + Sync + 'static {
    /// Whether `access` is allowed.
    ///
    /// # Errors
    /// [`Failure`] says why not.
    fn check(&self, access: &Access<'_>) -> Result<(), Failure>;
}

/// What decides about one request. A request without one may do everything.
#[derive(Clone)]
pub struct Authorizer(pub Arc<dyn Authorize>);

impl std::fmt::Debug for Authorizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Authorizer")
    }
}

/// Who calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Which program it is, as it says.
    pub(crate) agent: String,
    authorizer: Option<Authorizer>,
}

impl Caller {
    /// Whoever sent a request.
    pub(crate) fn of(metadata: &MetadataMap, extensions: &Extensions) -> Self {
        let agent = metadata.get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Self { agent: agent.to_owned(), authorizer: extensions.get::<Authorizer>().cloned() }
    }

    /// Whether it may do something with an object, or with a collection if `name` is empty.
    pub(crate) fn may(
        &self,
        verb: Verb,
        served: &ServedKind,
        namespace: &str,
        name: &str,
        subresource: &str,
    ) -> Result<(), Failure> {
        let Some(Authorizer(authorizer)) = &self.authorizer else { return Ok(()) };
        let (group, resource) = (served.kind.group, served.kind.plural);
        authorizer.check(&Access { verb, group, resource, subresource, namespace, name })
    }
}

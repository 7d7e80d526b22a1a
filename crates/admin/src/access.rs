//! Who calls, and whether they may.

use backstay_auth::Attributes;
use backstay_kube::{Failure, Operations, ServedKind};
use backstay_resources::Verb;
use http::header::USER_AGENT;
use http::{Extensions, HeaderMap};

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

impl Access<'_> {
    /// Whether a caller may do it. Without one, or without authorization, whoever calls may.
    ///
    /// # Errors
    /// [`Failure`] says why not.
    pub(crate) async fn check(&self, caller: Option<&backstay_auth::Caller>) -> Result<(), Failure> {
        let Some(caller) = caller.filter(|caller| !caller.authorizer.is_open()) else { return Ok(()) };
        let asked = Attributes {
            subresource: self.subresource.into(),
            namespace: self.namespace.into(),
            name: self.name.into(),
            ..Attributes::resource(self.verb.name(), self.group, self.resource)
        };
        let decision = caller.check(&asked).await;
        if decision.allowed { Ok(()) } else { Err(Failure::denied(&caller.user, &asked, &decision.reason)) }
    }
}

/// Who calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Which program it is, as it says.
    pub(crate) agent: String,
    /// Who it has proved to be. Whoever authenticates requests puts that into their extensions.
    proved: Option<backstay_auth::Caller>,
}

impl Caller {
    /// Whoever sent a request.
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Self { agent: agent.to_owned(), proved: extensions.get::<backstay_auth::Caller>().cloned() }
    }

    /// The operations, as done for it.
    pub(crate) fn on(&self, operations: &Operations) -> Operations {
        operations.by(self.proved.as_ref())
    }

    /// Whether it may do something with an object, or with a collection if `name` is empty.
    pub(crate) async fn may(
        &self,
        verb: Verb,
        served: &ServedKind,
        namespace: &str,
        name: &str,
        subresource: &str,
    ) -> Result<(), Failure> {
        let (group, resource) = (served.kind.group, served.kind.plural);
        Access { verb, group, resource, subresource, namespace, name }.check(self.proved.as_ref()).await
    }
}

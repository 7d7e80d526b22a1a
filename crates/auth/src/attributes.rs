//! What a request is about to do, in the terms of Kubernetes' authorization.
//!
//! Source: Kubernetes, `apiserver/pkg/authorization/authorizer` (`Attributes`) and `endpoints/request` (`RequestInfo`).

use std::borrow::Cow;

use crate::identity::User;

/// What a request is about to do. Dialects make these of their requests; roles are asked with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or any other of a dialect. Of paths that
    /// are no resource, the method in lower case.
    pub verb: Cow<'a, str>,
    /// API group, empty for the core group.
    pub group: Cow<'a, str>,
    /// Version within it. Roles do not look at it.
    pub version: Cow<'a, str>,
    /// Plural of the kind. Empty: the request is about a path and no resource.
    pub resource: Cow<'a, str>,
    /// Such as `status`. Empty: the whole object.
    pub subresource: Cow<'a, str>,
    /// Empty for what lives in no namespace, and for requests across all.
    pub namespace: Cow<'a, str>,
    /// Empty for requests about several objects.
    pub name: Cow<'a, str>,
    /// The path of the request.
    pub path: Cow<'a, str>,
}

impl<'a> Attributes<'a> {
    /// A request about a path that is no resource.
    #[must_use]
    pub fn path(verb: impl Into<Cow<'a, str>>, path: impl Into<Cow<'a, str>>) -> Self {
        Self { verb: verb.into(), path: path.into(), ..Self::default() }
    }

    /// A request about a resource of the whole cluster. Fields that are left are for the caller to set.
    #[must_use]
    pub fn resource(
        verb: impl Into<Cow<'a, str>>,
        group: impl Into<Cow<'a, str>>,
        resource: impl Into<Cow<'a, str>>,
    ) -> Self {
        Self { verb: verb.into(), group: group.into(), resource: resource.into(), ..Self::default() }
    }

    /// Whether it is about a resource, and not about a path.
    #[must_use]
    pub fn is_resource(&self) -> bool {
        !self.resource.is_empty()
    }

    /// Whether it only reads.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(&*self.verb, "get" | "list" | "watch" | "head")
    }

    /// `RESOURCE`, or `RESOURCE/SUBRESOURCE`.
    #[must_use]
    pub fn full_resource(&self) -> Cow<'_, str> {
        if self.subresource.is_empty() {
            Cow::Borrowed(&self.resource)
        } else {
            Cow::Owned(format!("{}/{}", self.resource, self.subresource))
        }
    }

    /// `RESOURCE.GROUP`, as messages name it; empty where there is no resource.
    #[must_use]
    pub fn qualified_resource(&self) -> String {
        if self.group.is_empty() { self.resource.to_string() } else { format!("{}.{}", self.resource, self.group) }
    }

    /// Why it is refused, in the words of Kubernetes (`handlers/responsewriters`, `forbiddenMessage`, within what `NewForbidden` says
    /// around it). `reason` is what the decision adds, or empty.
    #[must_use]
    pub fn forbidden(&self, user: &User, reason: &str) -> String {
        let (user, verb) = (&user.name, &self.verb);
        let what = if self.is_resource() {
            let (resource, group) = (self.full_resource(), &self.group);
            let place = match &*self.namespace {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace {namespace:?}"),
            };
            format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
        } else {
            format!("User {user:?} cannot {verb} path {:?}", self.path)
        };
        let why = if reason.is_empty() { what } else { format!("{what}: {reason}") };
        match (&*self.resource, &*self.name) {
            ("", _) => format!("forbidden: {why}"),
            (_, "") => format!("{} is forbidden: {why}", self.qualified_resource()),
            (_, name) => format!("{} {name:?} is forbidden: {why}", self.qualified_resource()),
        }
    }
}

#[cfg(test)]
mod tests;

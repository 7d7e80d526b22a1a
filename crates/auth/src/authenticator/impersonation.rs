//! Requests of one user for another, as `kubectl --as` sends them.
//!
//! Source: Kubernetes, `apiserver/pkg/endpoints/filters/impersonation.go`.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;

use super::headers::{all, extra};
use crate::attributes::Attributes;
use crate::identity::{ANONYMOUS, AUTHENTICATED, Credential, UNAUTHENTICATED, User};

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// For whom a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impersonation {
    name: String,
    uid: String,
    groups: BTreeSet<String>,
    extra: BTreeMap<String, Vec<String>>,
}

/// What is wrong with the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImpersonationError {
    /// They name groups or the like, and no user.
    #[error("requested impersonation without impersonating a user: Impersonate-User is missing")]
    NoUser,
}

impl Impersonation {
    /// What the headers of a request ask for.
    ///
    /// # Errors
    /// When they name no user.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, ImpersonationError> {
        if !headers.keys().any(|name| name.as_str().starts_with("impersonate-")) {
            return Ok(None);
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (name, uid) = (text(USER), text(UID));
        if name.is_empty() {
            return Err(ImpersonationError::NoUser);
        }
        Ok(Some(Self { name, uid, groups: all(headers, GROUP), extra: extra(headers, EXTRA) }))
    }

    /// What must be allowed for it: `impersonate` on each of them.
    #[must_use]
    pub fn needs(&self) -> Vec<Attributes<'_>> {
        let on = |group: &'static str, resource: &'static str, name: &str| Attributes {
            name: name.to_owned().into(),
            ..Attributes::resource("impersonate", group, resource)
        };
        let account = self.name.strip_prefix(SERVICE_ACCOUNT).and_then(|rest| rest.split_once(':'));
        let user = match account {
            Some((namespace, name)) => {
                Attributes { namespace: namespace.to_owned().into(), ..on("", "serviceaccounts", name) }
            }
            None => on("", "users", &self.name),
        };
        let mut needs = vec![user];
        needs.extend(self.groups.iter().map(|group| on("", "groups", group)));
        if !self.uid.is_empty() {
            needs.push(on("authentication.k8s.io", "uids", &self.uid));
        }
        for (key, values) in &self.extra {
            for value in values {
                needs.push(Attributes {
                    subresource: key.clone().into(),
                    ..on("authentication.k8s.io", "userextras", value)
                });
            }
        }
        needs
    }

    /// The user that it is for.
    #[must_use]
    pub fn user(self) -> User {
        let Self { name, uid, mut groups, extra } = self;
        if groups.is_empty()
            && let Some((namespace, _)) = name.strip_prefix(SERVICE_ACCOUNT).and_then(|rest| rest.split_once(':'))
        {
            groups.insert("system:serviceaccounts".to_owned());
            groups.insert(format!("system:serviceaccounts:{namespace}"));
        }
        let of_all = if name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
        groups.insert(of_all.to_owned());
        User { uid, groups, extra, credential: Credential::Impersonated, ..User::named(name) }
    }
}

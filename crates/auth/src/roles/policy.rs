//! All roles and bindings together, asked who may do what.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_resources::Registry;

use super::built_in;
use super::document::{self, Document, PolicyError, RoleKind, SubjectKind};
use super::rule::Rule;
use crate::attributes::Attributes;
use crate::identity::{MASTERS, User};

/// Who may do what.
#[derive(Debug, Default)]
pub struct Policy {
    users: HashMap<String, Vec<Grant>>,
    groups: HashMap<String, Vec<Grant>>,
    /// How many roles and bindings a file has brought.
    documents: usize,
}

/// A role, given to somebody.
#[derive(Debug, Clone)]
struct Grant {
    /// The only namespace that it counts in. None: all, and what is in none.
    namespace: Option<Arc<str>>,
    rules: Arc<[Rule]>,
    /// Which binding it is, as the audit log says it.
    reason: Arc<str>,
}

/// Whether something is allowed, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub allowed: bool,
    /// What allows it, or why it cannot be told. Empty where nothing allows it.
    pub reason: Arc<str>,
}

impl Decision {
    /// It is allowed.
    #[must_use]
    pub fn allow(reason: impl Into<Arc<str>>) -> Self {
        Self { allowed: true, reason: reason.into() }
    }

    /// It is not.
    #[must_use]
    pub fn deny(reason: impl Into<Arc<str>>) -> Self {
        Self { allowed: false, reason: reason.into() }
    }
}

impl Policy {
    /// What holds without a file.
    #[must_use]
    pub fn built_in(registry: &Registry) -> Self {
        let mut policy = Self::default();
        for (group, role, rules) in built_in::bindings(registry) {
            policy.grant(
                SubjectKind::Group,
                group.to_owned(),
                None,
                &rules.into(),
                &format!("the built-in role {role:?}"),
            );
        }
        policy
    }

    /// What holds without a file, and what a file says: documents of `ClusterRole`, `Role`, `ClusterRoleBinding` and `RoleBinding`.
    ///
    /// # Errors
    /// When a document is something else, is not understood, or binds a role that there is not.
    pub fn read(registry: &Registry, bytes: &[u8]) -> Result<Self, PolicyError> {
        let mut policy = Self::built_in(registry);
        let documents = document::read(bytes)?;
        policy.documents = documents.len();
        let mut roles: HashMap<(RoleKind, Option<String>, String), Arc<[Rule]>> = HashMap::new();
        for (name, rules) in built_in::roles(registry) {
            roles.insert((RoleKind::ClusterRole, None, name.to_owned()), rules.into());
        }
        for document in &documents {
            let Document::Role { index, kind, namespace, name, rules } = document else { continue };
            let refused = |why: &str| PolicyError::refused(*index, kind.name(), name, "metadata.name", why);
            if name.starts_with(built_in::PREFIX) {
                return Err(refused("names that begin with backstay: are those of built-in roles"));
            }
            let key = (*kind, namespace.clone(), name.clone());
            if roles.insert(key, rules.clone().into()).is_some() && !built_in::is_alias(name) {
                return Err(refused("there are two of this name"));
            }
        }
        for document in documents {
            let Document::Binding { index, kind, namespace, name, role: (role_kind, role), subjects } = document else {
                continue;
            };
            let of = if role_kind == RoleKind::Role { namespace.clone() } else { None };
            let rules = roles.get(&(role_kind, of, role.clone())).ok_or_else(|| {
                let why = format!("there is no {} {role:?}, neither in the file nor built in", role_kind.name());
                PolicyError::refused(index, kind.name(), &name, "roleRef.name", &why)
            })?;
            let place =
                namespace.as_deref().map_or_else(String::new, |namespace| format!(" in the namespace {namespace:?}"));
            for (subject, subject_name) in subjects {
                let reason = format!(
                    "RBAC: allowed by {} {name:?}{place} of {} {role:?} to {} {subject_name:?}",
                    kind.name(),
                    role_kind.name(),
                    subject.name()
                );
                policy.grant(subject, subject_name, namespace.as_deref().map(Into::into), rules, &reason);
            }
        }
        Ok(policy)
    }

    fn grant(
        &mut self,
        subject: SubjectKind,
        name: String,
        namespace: Option<Arc<str>>,
        rules: &Arc<[Rule]>,
        reason: &str,
    ) {
        let table = if subject == SubjectKind::Group { &mut self.groups } else { &mut self.users };
        let (rules, reason) = (Arc::clone(rules), reason.into());
        table.entry(name).or_default().push(Grant { namespace, rules, reason });
    }

    /// How many roles and bindings a file has brought.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// What somebody has been given, in whichever namespace.
    fn grants<'a>(&'a self, user: &'a User) -> impl Iterator<Item = &'a Grant> {
        let of_scopes = built_in::groups_of_scopes(user).map(|group| -> &'a str { group });
        let groups = user.groups.iter().map(String::as_str).chain(of_scopes);
        let of_groups = groups.filter_map(|group| self.groups.get(group)).flatten();
        self.users.get(&user.name).into_iter().flatten().chain(of_groups)
    }

    /// Whether somebody may do that.
    #[must_use]
    pub fn decide(&self, user: &User, asked: &Attributes<'_>) -> Decision {
        let allows = |grant: &&Grant| {
            let counts = grant.namespace.as_deref().is_none_or(|own| asked.is_resource() && own == asked.namespace);
            counts && grant.rules.iter().any(|rule| rule.allows(asked))
        };
        match self.grants(user).find(allows) {
            Some(grant) => Decision { allowed: true, reason: Arc::clone(&grant.reason) },
            None => Decision::deny(""),
        }
    }

    /// Whether somebody may do that with some object or other, in some namespace or other: for requests whose object is not known
    /// before their body is read. Whoever reads it asks again, for the object.
    #[must_use]
    pub fn may_some(&self, user: &User, asked: &Attributes<'_>) -> bool {
        self.grants(user).any(|grant| grant.rules.iter().any(|rule| rule.allows_some(asked)))
    }

    /// Everything that somebody may do in a namespace.
    #[must_use]
    pub fn rules(&self, user: &User, namespace: &str) -> Vec<Rule> {
        let counts = |grant: &&Grant| grant.namespace.as_deref().is_none_or(|own| own == namespace);
        let mut rules: Vec<Rule> = Vec::new();
        for rule in self.grants(user).filter(counts).flat_map(|grant| grant.rules.iter()) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        rules
    }

    /// Whether roles are not asked about somebody.
    pub(crate) fn is_master(user: &User) -> bool {
        user.is_in(MASTERS)
    }
}

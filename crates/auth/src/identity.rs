//! Who sends a request, and what they may do.

use std::collections::BTreeSet;

use backstay_resources::Timestamp;
use serde::{Deserialize, Serialize};

/// Who sends a request: what is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What people call the token.
    pub name: String,
    /// What is told of the token in place of it: the beginning of its hash. Empty where no token was looked at.
    pub id: String,
    /// Whose it is.
    pub customer: String,
    /// The only services that it sees. None: all of its customer.
    pub services: Option<BTreeSet<String>>,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Groups that it is in; roles are bound to them.
    pub groups: BTreeSet<String>,
    /// Fleets whose configuration it may receive as a proxy, private keys included; `*` is all. None by default.
    pub fleets: BTreeSet<String>,
    /// When it was made, as far as that was written down.
    pub created: Option<Timestamp>,
    /// Until when it holds.
    pub expires: Option<Timestamp>,
}

/// What a token may do, as its file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Everything.
    #[serde(rename = "global")]
    Global,
    /// Read everything.
    #[serde(rename = "global:read")]
    GlobalRead,
    /// Purge by key or URL.
    #[serde(rename = "purge_select")]
    PurgeSelect,
    /// Purge everything of a service.
    #[serde(rename = "purge_all")]
    PurgeAll,
}

impl Scope {
    /// As files and APIs spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::GlobalRead => "global:read",
            Self::PurgeSelect => "purge_select",
            Self::PurgeAll => "purge_all",
        }
    }
}

/// What a request is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Change.
    Write,
    /// Purge some of a service.
    PurgeSelect,
    /// Purge everything of a service.
    PurgeAll,
}

impl Identity {
    /// Whoever sends requests where no tokens are set up: they may do everything.
    #[must_use]
    pub fn anyone(customer: &str) -> Self {
        Self {
            name: "any token is taken: the control plane was started without --tokens".to_owned(),
            id: String::new(),
            customer: customer.to_owned(),
            services: None,
            scopes: BTreeSet::from([Scope::Global]),
            groups: BTreeSet::new(),
            fleets: BTreeSet::new(),
            created: None,
            expires: None,
        }
    }

    /// Whether its scopes allow that.
    #[must_use]
    pub fn may(&self, access: Access) -> bool {
        let has = |scope| self.scopes.contains(&scope);
        has(Scope::Global)
            || match access {
                Access::Read => has(Scope::GlobalRead),
                Access::Write => false,
                Access::PurgeSelect => has(Scope::PurgeSelect),
                Access::PurgeAll => has(Scope::PurgeAll),
            }
    }

    /// Whether it sees that service of that customer.
    #[must_use]
    pub fn sees(&self, customer: &str, service: &str) -> bool {
        self.customer == customer && self.services.as_ref().is_none_or(|services| services.contains(service))
    }

    /// Its scopes, with spaces between.
    #[must_use]
    pub fn scope_names(&self) -> String {
        self.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
    }
}

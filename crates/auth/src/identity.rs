//! Who sends a request, and what they may do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use backstay_resources::Timestamp;
use serde::{Deserialize, Serialize};

/// The customer of whoever names none.
pub const DEFAULT_CUSTOMER: &str = "local0customer00000000";

/// Whoever has shown nothing.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of whoever has shown nothing.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group of everybody else.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group that may do everything, whatever roles say.
pub const MASTERS: &str = "system:masters";

/// Who sends a request, whichever dialect it speaks and however that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name that roles are bound to. Of a token, what people call it.
    pub name: String,
    /// Distinguishes users that were called the same at different times. Empty: it is not known.
    pub uid: String,
    /// Groups that it is in; roles are bound to them.
    pub groups: BTreeSet<String>,
    /// What else whoever knows the user said of it.
    pub extra: BTreeMap<String, Vec<String>>,
    /// How it was found out.
    pub credential: Credential,
    /// What is told of the credential in place of it: the beginning of its hash. Empty where none was looked at.
    pub id: String,
    /// Whose services it sees in the Fastly API.
    pub customer: String,
    /// The only services that it sees there. None: all of its customer.
    pub services: Option<BTreeSet<String>>,
    /// What its token says that it may do in the Fastly API. None for whoever shows something else than such a token: roles alone say
    /// it then.
    pub scopes: BTreeSet<Scope>,
    /// Fleets whose configuration it may receive as a proxy, private keys included; `*` is all. None by default.
    pub fleets: BTreeSet<String>,
    /// When the credential was made, as far as that was written down.
    pub created: Option<Timestamp>,
    /// Until when the credential holds.
    pub expires: Option<Timestamp>,
}

/// One for all requests where nothing is asked for.
static ANYONE: LazyLock<Arc<User>> = LazyLock::new(|| Arc::new(User::anyone(DEFAULT_CUSTOMER)));

/// How it was found out who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Credential {
    /// Nothing was shown.
    #[default]
    None,
    /// Nothing is asked for: there is no authentication.
    Unchecked,
    /// A token of the file.
    Token,
    /// A client certificate.
    Certificate,
    /// A signed token (RFC 7519).
    SignedToken,
    /// A token that another API server knows.
    Reviewed,
    /// The word of a trusted front proxy.
    FrontProxy,
    /// Another user, who may speak for this one.
    Impersonated,
}

impl Credential {
    /// As metrics and logs name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unchecked => "unchecked",
            Self::Token => "token",
            Self::Certificate => "certificate",
            Self::SignedToken => "signed_token",
            Self::Reviewed => "token_review",
            Self::FrontProxy => "front_proxy",
            Self::Impersonated => "impersonated",
        }
    }
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

impl User {
    /// Somebody of this name about whom nothing else is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uid: String::new(),
            groups: BTreeSet::new(),
            extra: BTreeMap::new(),
            credential: Credential::None,
            id: String::new(),
            customer: DEFAULT_CUSTOMER.to_owned(),
            services: None,
            scopes: BTreeSet::new(),
            fleets: BTreeSet::new(),
            created: None,
            expires: None,
        }
    }

    /// Whoever has shown nothing, where something is asked for.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { groups: BTreeSet::from([UNAUTHENTICATED.to_owned()]), ..Self::named(ANONYMOUS) }
    }

    /// Whoever sends requests where nothing is asked for: they may do everything.
    #[must_use]
    pub fn anyone(customer: &str) -> Self {
        Self {
            groups: [MASTERS, UNAUTHENTICATED].map(str::to_owned).into(),
            credential: Credential::Unchecked,
            customer: customer.to_owned(),
            scopes: BTreeSet::from([Scope::Global]),
            ..Self::named(ANONYMOUS)
        }
    }

    /// The same of the default customer, without making another.
    #[must_use]
    pub fn shared_anyone() -> Arc<Self> {
        Arc::clone(&ANYONE)
    }

    /// Whether it is known who that is, or nobody asks.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.credential != Credential::None
    }

    /// Whether it is in a group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.contains(group)
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

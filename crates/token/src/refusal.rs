//! Why a token is refused.

use thiserror::Error;

/// Why a token is refused. Nothing of the token is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Refusal {
    /// There is none.
    #[error("there is no token")]
    Missing,
    /// It is not a token in its compact form.
    #[error("it is not a token: {0}")]
    Malformed(&'static str),
    /// It is signed in another way than it must be.
    #[error("it is not signed with the algorithm that is wanted")]
    Algorithm,
    /// It has extensions that must be understood, and are not.
    #[error("it has extensions that must be understood (crit), and there is none that is")]
    Critical,
    /// None of the keys is the one that it names.
    #[error("no key has the identity that it names")]
    UnknownKey,
    /// There are no keys: they could not be had.
    #[error("there are no keys")]
    NoKeys,
    /// Its signature is not one of the key's.
    #[error("its signature is wrong")]
    Signature,
    /// A registered claim is not of the type that RFC 7519 says.
    #[error("its claim {0:?} is not what RFC 7519 says")]
    Claim(&'static str),
    /// Another issuer.
    #[error("its issuer is not the one that is wanted")]
    Issuer,
    /// It is not for all audiences that are wanted.
    #[error("it is not for the audience")]
    Audience,
    /// It does not count yet.
    #[error("it does not count yet (nbf)")]
    NotYet,
    /// It does not count any more.
    #[error("it has expired (exp)")]
    Expired,
    /// It was issued later than now.
    #[error("it was issued in the future (iat)")]
    IssuedInFuture,
    /// A claim of it that is to go on as a header cannot be one.
    #[error("a claim of it cannot be sent as a header")]
    Unsendable,
    /// It is not known what is revoked.
    #[error("it is not known yet which tokens are revoked")]
    RevocationsUnknown,
    /// It was revoked.
    #[error("it has been revoked")]
    Revoked,
    /// An expression on its claims is not true.
    #[error("an expression on its claims is not true")]
    Expression,
    /// Whoever it is about has none of the roles.
    #[error("it has none of the roles")]
    Roles,
    /// It is not good for what is asked for.
    #[error("it does not have the scopes")]
    Scopes,
}

impl Refusal {
    /// The names of all causes.
    pub const NAMES: [&'static str; 19] = [
        "missing",
        "malformed",
        "algorithm",
        "critical",
        "unknown_key",
        "no_keys",
        "signature",
        "claim",
        "issuer",
        "audience",
        "not_yet",
        "expired",
        "issued_in_future",
        "unsendable",
        "revocations_unknown",
        "revoked",
        "expression",
        "roles",
        "scopes",
    ];

    /// Whether the token is genuine, and not enough: 403, and not 401 (RFC 9110, 15.5.4).
    #[must_use]
    pub const fn is_forbidden(self) -> bool {
        matches!(self, Self::Roles | Self::Scopes)
    }

    /// The name of the cause, for metrics and access logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::UnknownKey => "unknown_key",
            Self::NoKeys => "no_keys",
            Self::Signature => "signature",
            Self::Claim(_) => "claim",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::NotYet => "not_yet",
            Self::Expired => "expired",
            Self::IssuedInFuture => "issued_in_future",
            Self::Unsendable => "unsendable",
            Self::RevocationsUnknown => "revocations_unknown",
            Self::Revoked => "revoked",
            Self::Expression => "expression",
            Self::Roles => "roles",
            Self::Scopes => "scopes",
        }
    }
}

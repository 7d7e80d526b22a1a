//! What is asked of whoever sends requests.

use std::collections::BTreeSet;
use std::path::PathBuf;

use backstay_auth::audit::{Mode, Target};
use backstay_auth::jwt::IssuerOptions;
use backstay_auth::{Digest, Tokens};

/// Who may send requests to the API, and what they may do. Where nothing tells who somebody is, and no roles are given, everybody may do
/// everything, as suits a loopback address.
#[derive(Debug, Clone, Default)]
pub struct AccessOptions {
    /// File of tokens.
    pub tokens: Option<PathBuf>,
    /// Hash of a token with which everything may be done: that of the process which runs the control plane.
    pub own: Option<Digest>,
    /// Whether client certificates are verified, so that whoever shows one is its common name, in the groups of its organizations.
    pub certificates: bool,
    /// Common names of the certificates of front proxies, which say by `X-Remote-User` and the like who sends a request; empty: any. It
    /// is set by [`Security::front_proxies`](crate::Security::front_proxies), whose authorities vouch for them.
    pub front_proxies: Option<BTreeSet<String>>,
    /// An issuer of signed tokens.
    pub issuer: Option<TokenIssuer>,
    /// Kubeconfig of the API server that is asked about tokens which nobody here knows.
    pub token_review: Option<PathBuf>,
    /// File of roles and bindings.
    pub authorization: Option<PathBuf>,
    /// Kubeconfig of the API server that is asked about what the built-in roles do not allow.
    pub access_review: Option<PathBuf>,
    /// Where the audit log goes, and what happens while it cannot keep up. None: there is none.
    pub audit: Option<(Target, Mode)>,
}

/// An issuer of signed tokens, and where its keys are.
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    /// What its tokens must say, and what is made of it.
    pub options: IssuerOptions,
    /// Where its keys are.
    pub keys: TokenKeys,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone)]
pub enum TokenKeys {
    /// In a file (RFC 7517).
    File(PathBuf),
    /// Where the issuer's configuration says (OpenID Connect Discovery 1.0), with the authorities that its certificate is of; those of
    /// the system where that is none.
    Discovered {
        /// File of authorities.
        authorities: Option<PathBuf>,
    },
}

impl AccessOptions {
    /// Whether anything tells who sends a request.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        self.tokens.is_some()
            || self.certificates
            || self.front_proxies.is_some()
            || self.issuer.is_some()
            || self.token_review.is_some()
    }

    /// The tokens that are taken: any, where no file is named.
    pub(crate) async fn read_tokens(&self) -> Result<Tokens, AccessError> {
        match &self.tokens {
            Some(path) => Ok(Tokens::of_file(path).await?),
            None => Ok(Tokens::any()),
        }
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.authenticates() && self.authorization.is_none() && self.access_review.is_none()
    }
}

/// Why what is asked for cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file of tokens cannot be used.
    #[error("--tokens: {0}")]
    Tokens(#[from] backstay_auth::FileError),
    /// The file of roles cannot be used.
    #[error("--authorization: {0}")]
    Authorization(#[from] backstay_auth::PolicyError),
    /// The keys of the issuer cannot be used.
    #[error("--jwks-file: {0}")]
    Keys(#[from] backstay_auth::jwt::KeysError),
    /// The issuer cannot be asked for its keys.
    #[error("--oidc-issuer: {0}")]
    Issuer(#[source] backstay_api_client::Error),
    /// The server that is to review tokens cannot be asked.
    #[error("--token-review-kubeconfig: {0}")]
    TokenReview(#[source] backstay_api_client::Error),
    /// The server that is to review access cannot be asked.
    #[error("--access-review-kubeconfig: {0}")]
    AccessReview(#[source] backstay_api_client::Error),
    /// The audit log cannot be written.
    #[error("--audit-log: {0}")]
    Audit(#[source] std::io::Error),
}

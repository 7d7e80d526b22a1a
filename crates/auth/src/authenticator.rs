//! Who sends a request: everything that may tell, asked in order.
//!
//! - `headers`: what requests carry. `impersonation`: for whom else they speak.

mod headers;
mod impersonation;

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use backstay_resources::Timestamp;
use http::HeaderMap;

pub use self::headers::{FASTLY_KEY, credential_of, user_of_front_proxy};
pub use self::impersonation::{Impersonation, ImpersonationError};
use crate::digest::Digest;
use crate::failures::{FailureLimits, Failures};
use crate::identity::{AUTHENTICATED, Credential, MASTERS, User};
use crate::jwt::Issuer;
use crate::peer::{ClientCertificate, Peer};
use crate::tokens::{Denied, Tokens};

/// Somebody else who is asked about tokens that nobody here knows.
pub trait ReviewToken: Send + Sync + fmt::Debug {
    /// Whose a token is. Who cannot tell does not take it.
    fn review<'a>(&'a self, token: &'a str) -> Pin<Box<dyn Future<Output = Result<Arc<User>, Denied>> + Send + 'a>>;
}

/// What tells who sends a request.
#[derive(Debug, Clone, Default)]
pub struct AuthenticatorOptions {
    /// A file of tokens.
    pub tokens: Option<Tokens>,
    /// Hash of the token of whoever runs all this: it may do everything.
    pub own: Option<Digest>,
    /// Whether client certificates are asked for: whoever verifies them puts them into the [`Peer`].
    pub certificates: bool,
    /// An issuer of signed tokens.
    pub issuer: Option<Arc<Issuer>>,
    /// Another API server, which is asked about tokens.
    pub review: Option<Arc<dyn ReviewToken>>,
    /// Common names of the certificates of front proxies, whose holders say who sends a request, if an authority of theirs vouches for
    /// them. Empty: any name. None: nobody says that.
    pub front_proxies: Option<BTreeSet<String>>,
    /// How often an address may fail.
    pub failures: FailureLimits,
}

/// Finds out who sends a request. Clones are one.
#[derive(Debug, Clone)]
pub struct Authenticator(Option<Arc<Known>>);

#[derive(Debug)]
struct Known {
    options: AuthenticatorOptions,
    failures: Failures,
    anonymous: Arc<User>,
}

impl Authenticator {
    /// Asks nobody: whoever sends a request may do everything.
    #[must_use]
    pub fn open() -> Self {
        Self(None)
    }

    /// Asks those of `options`; where these name none, everybody is anonymous.
    #[must_use]
    pub fn new(options: AuthenticatorOptions) -> Self {
        let failures = Failures::new(options.failures);
        Self(Some(Arc::new(Known { options, failures, anonymous: Arc::new(User::anonymous()) })))
    }

    /// Whether nobody is asked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Who sends a request that came over a connection from `peer` with these headers. Whoever shows nothing is anonymous; what is
    /// shown and not good is not passed over, even where something else is.
    ///
    /// # Errors
    /// Why what was shown is not taken.
    pub async fn identify(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Result<Arc<User>, Denied> {
        let Some(known) = &self.0 else { return Ok(User::shared_anyone()) };
        let certificate = peer.and_then(|peer| peer.certificate.as_deref());
        if let Some(token) = credential_of(headers)? {
            return known.of_token(token, peer).await;
        }
        if let Some(certificate) = certificate {
            // It was verified as the connection began, and that may be long ago.
            if certificate.not_after <= Timestamp::now() {
                return Err(Denied::Certificate);
            }
            if known.is_front_proxy(certificate)
                && let Some(user) = user_of_front_proxy(headers)
            {
                return Ok(Arc::new(user));
            }
            if known.options.certificates
                && certificate.authority.clients
                && let Some(user) = of_certificate(certificate)
            {
                return Ok(Arc::new(user));
            }
        }
        Ok(Arc::clone(&known.anonymous))
    }

    /// Whose a token is, as a review of it asks: no address fails by it.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn identify_token(&self, token: &str) -> Result<Arc<User>, Denied> {
        match &self.0 {
            Some(known) => known.ask(token).await,
            None => Err(Denied::Unknown),
        }
    }
}

impl Known {
    /// Source: Kubernetes, `apiserver/pkg/authentication/request/x509` (`NewDynamicCAVerifier`).
    fn is_front_proxy(&self, certificate: &ClientCertificate) -> bool {
        let name = certificate.common_name.as_deref().unwrap_or_default();
        let is_named = |names: &BTreeSet<String>| names.is_empty() || names.contains(name);
        certificate.authority.front_proxies && self.options.front_proxies.as_ref().is_some_and(is_named)
    }

    async fn of_token(&self, token: &str, peer: Option<&Peer>) -> Result<Arc<User>, Denied> {
        // A token of the file costs a hash to look up, and cannot be guessed: whoever has one is not kept out by others behind the same
        // address. Whoever shows a certificate is known already.
        if self.options.own.is_some_and(|own| bool::from(own.is(&Digest::of(token)))) {
            return Ok(Arc::new(owner()));
        }
        let address = peer.filter(|peer| peer.certificate.is_none()).map(|peer| peer.address.ip());
        if let Some(tokens) = &self.options.tokens
            && let Ok(user) = tokens.identify(Some(token), Timestamp::now())
        {
            return Ok(user);
        }
        if address.is_some_and(|address| self.failures.wait(address, Instant::now()).is_some()) {
            return Err(Denied::TooMany);
        }
        let outcome = self.ask(token).await;
        if let (Err(denied), Some(address)) = (&outcome, address)
            && *denied != Denied::Unavailable
        {
            self.failures.add(address, Instant::now());
        }
        outcome
    }

    async fn ask(&self, token: &str) -> Result<Arc<User>, Denied> {
        let mut denied = Denied::Unknown;
        if let Some(tokens) = &self.options.tokens {
            match tokens.identify(Some(token), Timestamp::now()) {
                Err(Denied::Unknown) => {}
                other => return other,
            }
        }
        if let Some(issuer) = &self.options.issuer
            && Issuer::is_shaped(token)
        {
            match issuer.identify(token, SystemTime::now()).await {
                Ok(user) => return Ok(user),
                Err(why) => denied = why,
            }
        }
        if let Some(review) = &self.options.review {
            return review.review(token).await;
        }
        Err(denied)
    }
}

/// Whoever runs all this.
fn owner() -> User {
    let groups = [MASTERS, AUTHENTICATED].map(str::to_owned).into();
    User { groups, credential: Credential::Token, ..User::named("backstay:owner") }
}

/// As Kubernetes has it: the common name is the user, organizations are the groups. A certificate without a name is nobody's.
fn of_certificate(certificate: &ClientCertificate) -> Option<User> {
    let name = certificate.common_name.clone().filter(|name| !name.is_empty())?;
    let mut groups: BTreeSet<String> = certificate.organizations.iter().cloned().collect();
    groups.insert(AUTHENTICATED.to_owned());
    let id = certificate.fingerprint.chars().take(22).collect();
    let expires = Some(certificate.not_after);
    Some(User { groups, credential: Credential::Certificate, id, expires, ..User::named(name) })
}

#[cfg(test)]
mod tests;

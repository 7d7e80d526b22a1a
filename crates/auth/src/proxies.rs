//! Which fleets a proxy may join, by what it shows. A fleet's configuration has private keys in it, so that it is not enough to know
//! that somebody is a proxy.

mod accounts;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use backstay_resources::Timestamp;

use crate::peer::{ClientCertificate, Peer};
use crate::tokens::{Denied, Tokens};

pub use self::accounts::{Account, AccountError, Accounts};

/// The path of a SPIFFE ID that lets a proxy join one fleet.
const FLEET: &str = "/fleet/";

/// The domain of SPIFFE IDs that are believed (SPIFFE ID and SVID, section 2.1): lower case letters, digits, `.`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustDomain(String);

/// A text that is no trust domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be of 1 to 255 lower case letters, digits, '.', '-' and '_', such as backstay.example")]
pub struct TrustDomainError;

impl Default for TrustDomain {
    fn default() -> Self {
        Self("backstay".to_owned())
    }
}

impl FromStr for TrustDomain {
    type Err = TrustDomainError;

    fn from_str(text: &str) -> Result<Self, TrustDomainError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if (1..=255).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TrustDomainError)
        }
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TrustDomain {
    /// The SPIFFE ID of the proxies of a fleet.
    #[must_use]
    pub fn id_of(&self, fleet: &str) -> String {
        format!("spiffe://{}{FLEET}{fleet}", self.0)
    }

    /// The fleet whose proxies have this ID.
    fn fleet_of<'a>(&self, id: &'a str) -> Option<&'a str> {
        let fleet = id.strip_prefix("spiffe://")?.strip_prefix(self.0.as_str())?.strip_prefix(FLEET)?;
        (!fleet.is_empty() && !fleet.contains('/')).then_some(fleet)
    }
}

/// A proxy that has proved who it is.
#[derive(Clone)]
pub struct Proxy {
    name: String,
    fleets: BTreeSet<String>,
    expires: Option<Timestamp>,
    /// To be looked up again when tokens change.
    token: Option<Box<str>>,
    /// The common name of its certificate.
    common_name: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, fleets, expires, .. } = self;
        let mut shown = formatter.debug_struct("Proxy");
        shown.field("name", name).field("fleets", fleets).field("expires", expires).finish_non_exhaustive()
    }
}

impl Proxy {
    /// What it is called: the name of its token, or the SPIFFE ID of its certificate.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may have the configuration of a fleet.
    #[must_use]
    pub fn may_join(&self, fleet: &str) -> bool {
        self.fleets.contains(fleet) || self.fleets.contains("*")
    }

    /// The one fleet that its certificate names. None where it showed a token.
    #[must_use]
    pub fn fleet_of_certificate(&self) -> Option<&str> {
        if self.token.is_some() { None } else { self.fleets.first().map(String::as_str) }
    }

    /// The common name of its certificate, which it keeps as it renews it. None where it showed a token, or the certificate has none.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// Until when what it showed holds.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}

/// Why it is not known who a proxy is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProved {
    /// It showed nothing.
    #[error("a proxy must show a token (authorization: Bearer) or a client certificate")]
    Missing,
    /// Its token is not taken.
    #[error("{0}")]
    Token(#[from] Denied),
    /// No tokens are taken.
    #[error("tokens are not taken here: the control plane was started without --tokens")]
    NoTokens,
    /// The service account that its token is of joins no fleet.
    #[error("{0} joins no fleet: --proxy-service-account does not name it")]
    Account(String),
    /// Its certificate says nothing, or too much, of who it is (X.509-SVID, section 2).
    #[error("the client certificate must have exactly one URI among its alternative names; it has {0}")]
    Uris(usize),
    /// Its certificate names something else than a fleet.
    #[error("the URI {uri:?} of the client certificate is not spiffe://{domain}/fleet/FLEET")]
    Uri {
        /// What it names.
        uri: String,
        /// The domain that is believed.
        domain: TrustDomain,
    },
    /// The authority that signed its certificate was taken away.
    #[error("the authority of the client certificate is not believed any more")]
    Authority,
    /// Its certificate held until some time.
    #[error("the client certificate has expired")]
    Expired,
    /// What its certificate goes back to was taken back.
    #[error("the join token that the client certificate goes back to was revoked")]
    Revoked,
}

/// What proxies may show.
#[derive(Debug, Clone)]
pub struct Proxies {
    tokens: Tokens,
    domain: TrustDomain,
    accounts: Option<Arc<Accounts>>,
}

impl Proxies {
    /// Tokens of the file, and certificates with SPIFFE IDs of the domain. Where any token is taken in the APIs, none is here.
    #[must_use]
    pub fn new(tokens: Tokens, domain: TrustDomain) -> Self {
        Self { tokens, domain, accounts: None }
    }

    /// Takes tokens of service accounts as well.
    #[must_use]
    pub fn with_accounts(self, accounts: Option<Accounts>) -> Self {
        Self { accounts: accounts.map(Arc::new), ..self }
    }

    /// Whether tokens of service accounts are taken.
    #[must_use]
    pub fn takes_accounts(&self) -> bool {
        self.accounts.is_some()
    }

    /// Who a proxy is, as [`identify`](Self::identify) has it; a token that is not in the file is one of a service account, where those are
    /// taken, and asked about.
    ///
    /// # Errors
    /// Why that is not known.
    pub async fn admit(&self, peer: &Peer, token: Option<&str>, now: Timestamp) -> Result<Proxy, NotProved> {
        match (self.identify(peer, token, now), token, &self.accounts) {
            (Err(NotProved::NoTokens | NotProved::Token(Denied::Unknown)), Some(token), Some(accounts)) => {
                accounts.proxy_at(peer.address.ip(), token).await
            }
            (identified, ..) => identified,
        }
    }

    /// Whether what a proxy showed is still taken, as [`again`](Self::again) has it; of a service account whoever knows is asked again.
    /// While that one is away, what it said last holds.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn holds(&self, proxy: &Proxy, now: Timestamp) -> Result<(), NotProved> {
        match (self.again(proxy, now), &proxy.token, &self.accounts) {
            (Err(NotProved::NoTokens | NotProved::Token(Denied::Unknown)), Some(token), Some(accounts)) => {
                match accounts.proxy(token).await {
                    Ok(same) if proxy.fleets.is_subset(&same.fleets) => Ok(()),
                    Ok(_) => Err(Denied::Unknown.into()),
                    Err(NotProved::Token(Denied::Unavailable)) => Ok(()),
                    Err(why) => Err(why),
                }
            }
            (holds, ..) => holds,
        }
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The domain of the SPIFFE IDs.
    #[must_use]
    pub fn domain(&self) -> &TrustDomain {
        &self.domain
    }

    /// Who a proxy is. A token that it sends counts before a certificate.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn identify(&self, peer: &Peer, token: Option<&str>, now: Timestamp) -> Result<Proxy, NotProved> {
        match (token, &peer.certificate) {
            (Some(token), _) => self.of_token(token, now),
            (None, Some(certificate)) => self.of_certificate(certificate, now),
            (None, None) => Err(NotProved::Missing),
        }
    }

    /// Whether what a proxy showed is still taken, for the same fleets.
    ///
    /// # Errors
    /// Why it is not.
    pub fn again(&self, proxy: &Proxy, now: Timestamp) -> Result<(), NotProved> {
        if let Some(token) = &proxy.token {
            let same = self.of_token(token, now)?;
            return if proxy.fleets.is_subset(&same.fleets) { Ok(()) } else { Err(Denied::Unknown.into()) };
        }
        if proxy.expires.is_some_and(|expires| expires <= now) { Err(NotProved::Expired) } else { Ok(()) }
    }

    fn of_token(&self, token: &str, now: Timestamp) -> Result<Proxy, NotProved> {
        if self.tokens.takes_any() {
            return Err(NotProved::NoTokens);
        }
        let identity = self.tokens.identify(Some(token), now)?;
        let (name, fleets, expires) = (identity.name.clone(), identity.fleets.clone(), identity.expires);
        Ok(Proxy { name, fleets, expires, token: Some(token.into()), common_name: None })
    }

    fn of_certificate(&self, certificate: &ClientCertificate, now: Timestamp) -> Result<Proxy, NotProved> {
        let [uri] = certificate.uris.as_slice() else { return Err(NotProved::Uris(certificate.uris.len())) };
        let unknown = || NotProved::Uri { uri: uri.clone(), domain: self.domain.clone() };
        let fleet = self.domain.fleet_of(uri).ok_or_else(unknown)?;
        if certificate.not_after <= now {
            return Err(NotProved::Expired);
        }
        let fleets = BTreeSet::from([fleet.to_owned()]);
        let (expires, common_name) = (Some(certificate.not_after), certificate.common_name.clone());
        Ok(Proxy { name: uri.clone(), fleets, expires, token: None, common_name })
    }
}

#[cfg(test)]
mod tests;

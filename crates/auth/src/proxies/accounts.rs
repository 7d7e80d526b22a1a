//! Service accounts of a Kubernetes cluster as proxies: whoever knows their tokens is asked whose one is, and a list says which fleet that
//! account may join.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use super::{NotProved, Proxy};
use crate::authenticator::ReviewToken;
use crate::failures::{FailureLimits, Failures};
use crate::tokens::Denied;

/// Longest token that is asked about: those of the API server have about a kilobyte.
const LONGEST: usize = 16 << 10;

/// A service account, and the fleet that its pods may join: `NAMESPACE/NAME=FLEET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    namespace: String,
    name: String,
    fleet: String,
}

/// A text that names no service account and fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write it as NAMESPACE/NAME=FLEET, such as backstay/edge-proxy=edge")]
pub struct AccountError;

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let (account, fleet) = text.split_once('=').ok_or(AccountError)?;
        let (namespace, name) = account.split_once('/').ok_or(AccountError)?;
        let fits = |name: &str| backstay_resources::name::subdomain(name).is_empty();
        if [namespace, name, fleet].into_iter().all(fits) {
            Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), fleet: fleet.to_owned() })
        } else {
            Err(AccountError)
        }
    }
}

impl Account {
    /// What the API server calls it. Source: Kubernetes, `serviceaccount.MakeUsername`.
    fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

/// Service accounts as proxies.
pub struct Accounts {
    fleets: BTreeMap<String, BTreeSet<String>>,
    review: Arc<dyn ReviewToken>,
    failures: Failures,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Accounts").field("fleets", &self.fleets).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Those listed, whose tokens `review` knows. An address from which many tokens came that were not taken has to wait, so that the
    /// server behind is not asked about everything that somebody sends.
    #[must_use]
    pub fn new(accounts: &[Account], review: Arc<dyn ReviewToken>, failures: FailureLimits) -> Self {
        let mut fleets = BTreeMap::<String, BTreeSet<String>>::new();
        for account in accounts {
            fleets.entry(account.user()).or_default().insert(account.fleet.clone());
        }
        Self { fleets, review, failures: Failures::new(failures) }
    }

    /// Who shows a token at an address.
    pub(super) async fn proxy_at(&self, address: IpAddr, token: &str) -> Result<Proxy, NotProved> {
        if self.failures.wait(address, Instant::now()).is_some() {
            return Err(Denied::TooMany.into());
        }
        let proxy = self.proxy(token).await;
        if matches!(proxy, Err(NotProved::Token(Denied::Unknown) | NotProved::Account(_))) {
            self.failures.add(address, Instant::now());
        }
        proxy
    }

    /// Whose a token is.
    pub(super) async fn proxy(&self, token: &str) -> Result<Proxy, NotProved> {
        // As a JSON Web Token in its compact form has it (RFC 7515, 3.1): nothing else is one of a service account.
        if token.len() > LONGEST || token.split('.').count() != 3 {
            return Err(Denied::Unknown.into());
        }
        let user = self.review.review(token).await?;
        let fleets = self.fleets.get(&user.name).ok_or_else(|| NotProved::Account(user.name.clone()))?;
        let (name, fleets, token) = (user.name.clone(), fleets.clone(), Some(token.into()));
        Ok(Proxy { name, fleets, expires: None, token, common_name: None })
    }
}

#[cfg(test)]
mod tests;

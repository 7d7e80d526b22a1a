//! The certificates in force, and whether their time has come or is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backstay_model::{Listener, Secret, Statement};

use super::accepted::AcceptedMap;

/// How long before its end a certificate is said to end soon.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A certificate in force.
#[derive(Debug, Clone)]
pub(crate) struct CertificateView {
    /// Name of the resource.
    pub(crate) secret: Arc<str>,
    pub(crate) statement: Statement,
    /// Names of the listeners that present it.
    pub(crate) listeners: Vec<Arc<str>>,
}

/// What the time says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    NotYetValid,
    Valid,
    /// Valid, for less than two weeks.
    EndsSoon,
    Expired,
}

impl Standing {
    /// As it is written for operators.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotYetValid => "notYetValid",
            Self::Valid => "valid",
            Self::EndsSoon => "endsSoon",
            Self::Expired => "expired",
        }
    }
}

impl CertificateView {
    /// What the time `now`, since 1970, says of it.
    pub(crate) fn standing(&self, now: Duration) -> Standing {
        let Statement { valid_from, valid_until, .. } = &self.statement;
        if valid_until.is_some_and(|until| until < now) {
            Standing::Expired
        } else if valid_from.is_some_and(|from| now < from) {
            Standing::NotYetValid
        } else if valid_until.is_some_and(|until| until.saturating_sub(now) < SOON) {
            Standing::EndsSoon
        } else {
            Standing::Valid
        }
    }

    /// Days from `now`, since 1970, to its end, below 0 once it has ended.
    pub(crate) fn days_left(&self, now: Duration) -> Option<f64> {
        let until = self.statement.valid_until?;
        Some((until.as_secs_f64() - now.as_secs_f64()) / 86_400.0)
    }
}

/// The time since 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The certificates among `secrets`, with the `listeners` that present them.
pub(super) fn certificates(secrets: &AcceptedMap<Secret>, listeners: &AcceptedMap<Listener>) -> Vec<CertificateView> {
    let mut presented = BTreeMap::<&Arc<str>, Vec<Arc<str>>>::new();
    for (name, accepted) in listeners {
        for secret in accepted.item.secrets.iter().flatten() {
            presented.entry(secret).or_default().push(Arc::clone(name));
        }
    }
    let views = secrets.iter().filter_map(|(name, accepted)| match &accepted.item {
        Secret::Certificate(identity) => Some(CertificateView {
            secret: Arc::clone(name),
            statement: identity.statement.clone(),
            listeners: presented.remove(name).unwrap_or_default(),
        }),
        Secret::Authority(_) => None,
    });
    views.collect()
}

#[cfg(test)]
mod tests;

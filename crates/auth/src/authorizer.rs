//! Whether a request is allowed, whoever asks and whoever knows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use backstay_certificate::Stamp;
use backstay_resources::Registry;
use metrics::Counter;
use tokio::sync::watch;

use crate::attributes::Attributes;
use crate::identity::User;
use crate::roles::{Decision, Policy, PolicyError, Rule};

/// The largest file of roles that is read, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Somebody else who is asked about what the roles here do not allow.
pub trait AccessReview: Send + Sync + fmt::Debug {
    /// Whether that is allowed. Who cannot tell does not allow it.
    fn review<'a>(
        &'a self,
        user: &'a User,
        asked: &'a Attributes<'a>,
    ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;
}

/// Decides what users may do. Clones are one.
#[derive(Debug, Clone)]
pub struct Authorizer(Option<Arc<Known>>);

#[derive(Debug)]
struct Known {
    registry: Registry,
    policy: ArcSwap<Policy>,
    file: Option<(PathBuf, Stamp)>,
    review: Option<Arc<dyn AccessReview>>,
    /// Counts how often the file was read again, also where it could not be used.
    readings: watch::Sender<u64>,
}

impl Authorizer {
    /// Allows everything to everybody.
    #[must_use]
    pub fn open() -> Self {
        Self(None)
    }

    /// The built-in roles and bindings alone, or with what `review` allows besides.
    #[must_use]
    pub fn built_in(registry: &Registry, review: Option<Arc<dyn AccessReview>>) -> Self {
        let policy = ArcSwap::from_pointee(Policy::built_in(registry));
        Self(Some(Arc::new(Known {
            registry: registry.clone(),
            policy,
            file: None,
            review,
            readings: watch::Sender::new(0),
        })))
    }

    /// The built-in roles and bindings, and those of a file.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub async fn of_file(
        registry: &Registry,
        path: &Path,
        review: Option<Arc<dyn AccessReview>>,
    ) -> Result<Self, PolicyError> {
        // First: what changes while it is read is read again.
        let stamp = Stamp::of(&[path]).await;
        let policy = ArcSwap::from_pointee(read(registry, path).await?);
        let file = Some((path.to_owned(), stamp));
        Ok(Self(Some(Arc::new(Known {
            registry: registry.clone(),
            policy,
            file,
            review,
            readings: watch::Sender::new(0),
        }))))
    }

    /// Whether everything is allowed to everybody.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a user may do that.
    pub async fn check(&self, user: &User, asked: &Attributes<'_>) -> Decision {
        let Some(known) = &self.0 else { return Decision::allow("no authorization is configured") };
        let decision = known.policy.load().decide(user, asked);
        match &known.review {
            Some(review) if !decision.allowed => review.review(user, asked).await,
            _ => decision,
        }
    }

    /// Whether roles say that a user may do that with some object or other, in some namespace or other.
    #[must_use]
    pub fn may_some(&self, user: &User, asked: &Attributes<'_>) -> bool {
        self.0.as_ref().is_none_or(|known| known.policy.load().may_some(user, asked))
    }

    /// Everything that roles allow a user in a namespace, and whether somebody else may allow more.
    #[must_use]
    pub fn rules(&self, user: &User, namespace: &str) -> (Vec<Rule>, bool) {
        let Some(known) = &self.0 else {
            let all = || vec![crate::roles::rule::ALL.to_owned()];
            let resources = Rule { verbs: all(), api_groups: all(), resources: all(), ..Rule::default() };
            let paths = Rule { verbs: all(), non_resource_urls: all(), ..Rule::default() };
            return (vec![resources, paths], false);
        };
        (known.policy.load().rules(user, namespace), known.review.is_some() && !Policy::is_master(user))
    }

    /// Tells of each time the file is read again, from now on, whether it can be used or not. None where everything is allowed.
    #[must_use]
    pub fn readings(&self) -> Option<watch::Receiver<u64>> {
        self.0.as_ref().map(|known| known.readings.subscribe())
    }

    /// Reads the file again whenever it changes, and goes on for ever. While it cannot be used, what was in force stays so, which is
    /// said and counted in `failures` once for each change.
    pub async fn follow(self, failures: Counter) {
        let Some(known) = self.0 else { return std::future::pending().await };
        let Some((path, mut seen)) = known.file.clone() else { return std::future::pending().await };
        loop {
            seen = seen.change(&[&path]).await;
            match read(&known.registry, &path).await {
                Ok(policy) => {
                    let documents = policy.documents();
                    known.policy.store(Arc::new(policy));
                    tracing::info!(path = %path.display(), documents, "roles were read again");
                }
                Err(error) => {
                    failures.increment(1);
                    tracing::error!(path = %path.display(), %error, "roles stay as they were: their file cannot be used");
                }
            }
            known.readings.send_modify(|readings| *readings += 1);
        }
    }
}

async fn read(registry: &Registry, path: &Path) -> Result<Policy, PolicyError> {
    let failed = |source| PolicyError::Read { path: path.to_owned(), source };
    if tokio::fs::metadata(path).await.map_err(failed)?.len() > MAX_BYTES {
        return Err(PolicyError::Large { path: path.to_owned(), limit: MAX_BYTES });
    }
    Policy::read(registry, &tokio::fs::read(path).await.map_err(failed)?)
}

#[cfg(test)]
mod tests;

//! What the steps share.

use std::collections::HashSet;
use std::sync::Arc;

use backstay_auth::audit::{Audit, AuditCounts, AuditOptions};
use backstay_auth::failures::FailureLimits;
use backstay_auth::jwt::{Issuer, KeySource};
use backstay_auth::{Attributes, Authenticator, AuthenticatorOptions, Authorizer, Tokens};
use backstay_resources::Registry;
use metrics::Counter;

use super::options::{AccessError, AccessOptions, TokenKeys};

/// What is counted of access to the API.
#[derive(Debug, Clone)]
pub(crate) struct AccessMetrics {
    /// Requests whose credential was not taken.
    pub(crate) unauthenticated: Counter,
    /// Requests whose credential was not looked at, since too many of their address had not been taken.
    pub(crate) backed_off: Counter,
    /// Requests that were not allowed.
    pub(crate) denied: Counter,
    /// Files of roles that could not be used.
    pub(crate) unusable_roles: Counter,
    /// Events of the audit log.
    pub(crate) audit: AuditCounts,
}

/// What the steps share, and what follows the files behind it.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) authenticator: Authenticator,
    pub(crate) authorizer: Authorizer,
    pub(crate) audit: Audit,
    pub(super) metrics: AccessMetrics,
    pub(super) registry: Registry,
    /// The kinds whose objects hold what is secret, by group and plural.
    sensitive: Arc<HashSet<(&'static str, &'static str)>>,
    /// What [`Gate::follow`] follows.
    tokens: Option<Tokens>,
    issuer: Option<Arc<Issuer>>,
}

/// Bounds on what access takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessLimits {
    /// How often an address may fail.
    pub failures: FailureLimits,
    /// Of the audit log.
    pub audit: AuditLimits,
}

/// Bounds on the audit log.
#[derive(Debug, Clone, Copy)]
pub struct AuditLimits {
    /// Bytes of events that may wait to be written. Default 16 MiB.
    pub queue_bytes: usize,
}

impl Default for AuditLimits {
    fn default() -> Self {
        Self { queue_bytes: 16 << 20 }
    }
}

impl Gate {
    /// Reads what `options` name, but for the tokens, which are read already.
    pub(crate) async fn open(
        options: &AccessOptions,
        limits: AccessLimits,
        tokens: Tokens,
        registry: &Registry,
        metrics: AccessMetrics,
    ) -> Result<Self, AccessError> {
        let tokens = Some(tokens).filter(|tokens| !tokens.takes_any());
        let issuer = match &options.issuer {
            Some(issuer) => {
                let source = match &issuer.keys {
                    TokenKeys::File(path) => KeySource::File(path.clone()),
                    TokenKeys::Discovered { authorities } => {
                        KeySource::Remote(super::remote::keys(&issuer.options.issuer, authorities.as_deref())?)
                    }
                };
                Some(Arc::new(Issuer::new(issuer.options.clone(), source).await?))
            }
            None => None,
        };
        let review = options.token_review.as_deref().map(|path| super::remote::token_review(path, None)).transpose()?;
        let access_review = options.access_review.as_deref().map(super::remote::access_review).transpose()?;
        let authorizer = match &options.authorization {
            _ if options.is_open() => Authorizer::open(),
            Some(path) => Authorizer::of_file(registry, path, access_review).await?,
            None => Authorizer::built_in(registry, access_review),
        };
        let authenticator = if options.is_open() {
            Authenticator::open()
        } else {
            Authenticator::new(AuthenticatorOptions {
                tokens: tokens.clone(),
                own: options.own,
                certificates: options.certificates,
                issuer: issuer.clone(),
                review,
                front_proxies: options.front_proxies.clone(),
                failures: limits.failures,
            })
        };
        let audit = match options.audit.clone() {
            Some((target, mode)) => {
                let log = AuditOptions { target, mode, queue_bytes: limits.audit.queue_bytes };
                Audit::open(log, metrics.audit.clone()).map_err(AccessError::Audit)?
            }
            None => Audit::off(),
        };
        let sensitive = registry.iter().filter(|kind| kind.sensitive).map(|kind| (kind.group, kind.plural)).collect();
        let (registry, sensitive) = (registry.clone(), Arc::new(sensitive));
        Ok(Self { authenticator, authorizer, audit, metrics, registry, sensitive, tokens, issuer })
    }

    /// Whether a request that is allowed is written down: what changes something, reads secrets, or looks at requests. Questions about access are
    /// asked by creating them, and change nothing.
    pub(super) fn is_audited(&self, asked: &Attributes<'_>) -> bool {
        if matches!(&*asked.group, "authorization.k8s.io" | "authentication.k8s.io") {
            return false;
        }
        // Whoever looks at requests sees what others sent.
        !asked.is_read() || asked.subresource == "tap" || self.sensitive.contains(&(&*asked.group, &*asked.resource))
    }

    /// Reads files again when they change, for as long as it is polled.
    pub(crate) async fn follow(self) {
        let tokens = async {
            match self.tokens {
                Some(tokens) => tokens.follow().await,
                None => std::future::pending().await,
            }
        };
        let issuer = async {
            match self.issuer {
                Some(issuer) => issuer.follow().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(tokens, issuer, self.authorizer.follow(self.metrics.unusable_roles));
    }
}

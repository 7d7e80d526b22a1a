//! The certificate of the authority, in a ConfigMap of a cluster: what pods mount so that they trust this control plane.

use std::time::Duration;

use backstay_api_client::{ApiServer, Target};
use metrics::Counter;
use serde_json::{Value, json};

use crate::error::StartError;
use crate::security::PublishAuthority;

/// How often it is published again: whoever deletes or changes the ConfigMap does no lasting harm.
const EVERY: Duration = Duration::from_secs(300);
/// How long it takes until it is tried again, at first and at most. Pods wait for the ConfigMap when they are installed.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Who owns the fields that are published.
const MANAGER: &str = "backstay";

/// Where the certificate is published.
#[derive(Debug)]
pub(super) struct Published {
    server: ApiServer,
    path: String,
    document: Value,
    failures: Counter,
    every: Duration,
    retry: (Duration, Duration),
}

impl Published {
    /// Publishes nothing yet.
    pub(super) fn new(place: &PublishAuthority, pem: &str, failures: Counter) -> Result<Self, StartError> {
        let PublishAuthority { namespace, name, kubeconfig } = place;
        let server = Target::of_file(kubeconfig).and_then(ApiServer::new).map_err(StartError::Publish)?;
        let document = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": MANAGER}},
            "data": {"ca.crt": pem},
        });
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        Ok(Self { server, path, document, failures, every: EVERY, retry: RETRY })
    }

    /// Publishes it, and again every few minutes.
    pub(super) async fn keep(&self) {
        let (first, most) = self.retry;
        let mut wait = first;
        loop {
            match self.server.apply(&self.path, MANAGER, &self.document).await {
                Ok(()) => {
                    tracing::debug!(path = self.path, "the certificate of the authority is published");
                    wait = first;
                    tokio::time::sleep(self.every).await;
                }
                Err(error) => {
                    self.failures.increment(1);
                    tracing::warn!(%error, path = self.path, "the certificate of the authority cannot be published");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(most);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

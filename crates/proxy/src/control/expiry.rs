//! Says in the log whose certificate's time is not there, over, or about to be.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::Statement;
use tokio::sync::watch;

use super::certificates::{CertificateView, Standing, now};
use super::handler::{SharedModel, look};

/// How often the time of all certificates is looked at.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Says it once for each, as `changed` tells that there may be others and as time passes, until nothing can change any more.
pub(crate) async fn watch_certificates(model: SharedModel, mut changed: watch::Receiver<u64>) {
    let mut said: HashMap<Arc<str>, (Statement, Standing)> = HashMap::new();
    loop {
        let certificates = look(&model).certificates();
        let now = now();
        said.retain(|name, _| certificates.iter().any(|certificate| certificate.secret == *name));
        for certificate in certificates {
            let standing = certificate.standing(now);
            let news = (certificate.statement.clone(), standing);
            if said.get(&certificate.secret) != Some(&news) {
                tell(&certificate, standing, now);
                said.insert(Arc::clone(&certificate.secret), news);
            }
        }
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn tell(certificate: &CertificateView, standing: Standing, now: Duration) {
    let CertificateView { secret, statement, .. } = certificate;
    let days = certificate.days_left(now).unwrap_or_default().floor();
    let subject = &statement.subject;
    match standing {
        Standing::Valid => {}
        Standing::EndsSoon => tracing::warn!(%secret, %subject, days, "a certificate expires soon"),
        Standing::Expired => {
            tracing::error!(%secret, %subject, "a certificate has expired: whoever verifies it refuses it");
        }
        Standing::NotYetValid => {
            tracing::error!(%secret, %subject, "a certificate is not valid yet: whoever verifies it refuses it");
        }
    }
}

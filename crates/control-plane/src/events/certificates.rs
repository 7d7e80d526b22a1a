//! Certificates that expire.

use std::time::Duration;

use backstay_compiler::ObjectKey;
use backstay_resources::Timestamp;
use serde_json::Value;

use crate::shared::Shared;

/// The Secrets that have a certificate, and when the first of it expires.
pub(super) fn known(shared: &Shared) -> Vec<(ObjectKey, String)> {
    let tracker = shared.read();
    let objects = tracker.objects();
    let with_certificate = objects.filter_map(|(key, tracked)| {
        let expires = tracked.status.report.fields.get("certificateExpires").and_then(Value::as_str)?;
        Some((key.clone(), expires.to_owned()))
    });
    with_certificate.collect()
}

/// What is to be said at `now` of a certificate that expires then: a reason and a sentence, if it is at most `soon` from now.
pub(super) fn warning(expires: &str, now: Timestamp, soon: Duration) -> Option<(&'static str, String)> {
    let at = expires.parse::<jiff::Timestamp>().ok()?;
    let left = at.as_second() - now.0.as_second();
    if left <= 0 {
        return Some(("CertificateExpired", format!("a certificate expired at {expires}")));
    }
    let is_soon = u64::try_from(left).is_ok_and(|left| left <= soon.as_secs());
    is_soon.then(|| ("CertificateExpiring", format!("a certificate expires at {expires}")))
}

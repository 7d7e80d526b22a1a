//! Certificates.

use crate::metrics::family::Family;
use crate::metrics::family::Read::Level;

/// A certificate in force, as when it ends.
pub(super) const FAMILIES: &[Family<f64>] = &[Family {
    name: "backstay_certificate_expiry_timestamp_seconds",
    help: "When the certificate expires, in seconds since 1970.",
    read: Level(|end| Some(*end)),
}];

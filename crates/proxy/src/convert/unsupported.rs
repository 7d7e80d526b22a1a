//! Fields of the contract that this proxy does not honour: a backend that has one set is refused, never served without it.

use backstay_proto::config::Backend;

use super::fault::{Checked, Fault};

/// Refuses the first field that is set and not honoured.
pub(super) fn check(backend: &Backend) -> Checked<()> {
    let set = vec![("health_checks", !backend.health_checks.is_empty())];
    match set.into_iter().find(|(_, is_set)| *is_set) {
        Some((field, _)) => Err(Fault::unknown(field)),
        None => Ok(()),
    }
}

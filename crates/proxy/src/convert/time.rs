use std::time::Duration;

use super::fault::{Checked, Fault};

/// A duration that is not negative; `None` when unset.
pub(super) fn duration(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    value
        .map(|value| {
            Duration::try_from(value).map_err(|_| Fault::new(field, "must be a duration that is not negative"))
        })
        .transpose()
}

/// A duration above zero; `None` when unset.
pub(super) fn positive(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    match duration(field, value)? {
        Some(Duration::ZERO) => Err(Fault::new(field, "must be more than 0s")),
        value => Ok(value),
    }
}

/// A limit in time, where zero and unset are none.
pub(super) fn limit(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    Ok(duration(field, value)?.filter(|value| !value.is_zero()))
}

use std::time::Duration;

use super::fault::{Checked, Fault};

/// The longest that the message may say: about 10,000 years. Any point in time can be moved by that.
const LONGEST: Duration = Duration::from_secs(315_576_000_000);

/// A duration that is not negative; `None` when unset.
pub(super) fn duration(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    let sound = |value| Duration::try_from(value).ok().filter(|value| *value <= LONGEST);
    let fault = || Fault::new(field, "must be a duration that is neither negative nor longer than 315576000000s");
    value.map(|value| sound(value).ok_or_else(fault)).transpose()
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

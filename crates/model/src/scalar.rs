//! Durations and names of headers, as the messages say them.

use std::time::Duration;

use http::HeaderName;

use crate::fault::{Checked, refuse};

/// The longest that the message may say: about 10,000 years. Any point in time can be moved by that.
const LONGEST: Duration = Duration::from_secs(315_576_000_000);

/// A duration that is not negative; `None` when unset.
pub(crate) fn duration(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    match Duration::try_from(value) {
        Ok(value) if value <= LONGEST => Ok(Some(value)),
        _ => refuse(field, "must be a duration that is neither negative nor longer than 315576000000s"),
    }
}

/// A duration above zero; `None` when unset.
pub(crate) fn positive(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    match duration(field, value)? {
        Some(Duration::ZERO) => refuse(field, "must be more than 0s"),
        value => Ok(value),
    }
}

/// A limit in time, where zero and unset are none.
pub(crate) fn limit(field: &str, value: Option<prost_types::Duration>) -> Checked<Option<Duration>> {
    Ok(duration(field, value)?.filter(|value| !value.is_zero()))
}

/// The name of a header that is looked for.
pub(crate) fn header_name(field: &str, name: &str) -> Checked<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .or_else(|_| refuse(field, format!("{name:?} cannot be the name of a header")))
}

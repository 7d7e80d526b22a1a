//! What becomes of what belongs to an object that is deleted.

use backstay_kube::{Failure, Propagation};
use backstay_proto::admin::Propagation as Said;

/// Reads the field `propagation`.
pub(crate) fn parse(number: i32) -> Result<Propagation, Failure> {
    match Said::try_from(number) {
        Ok(Said::Unspecified | Said::Background) => Ok(Propagation::Background),
        Ok(Said::Foreground) => Ok(Propagation::Foreground),
        Ok(Said::Orphan) => Ok(Propagation::Orphan),
        Err(_) => Err(Failure::bad_field("propagation", format!("{number} is not known"))),
    }
}

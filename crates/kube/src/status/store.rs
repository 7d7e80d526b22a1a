//! What the store says, as clients read it.

use backstay_store::{CommitError, ReadError};

use super::Failure;

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Compacted { requested, oldest } => {
                Self::expired(format!("The resourceVersion for the provided list is too old: {requested} ({oldest})"))
            }
            ReadError::Future { requested, current } => Self::future_version(requested, current),
            ReadError::Unavailable(_) => Self::unavailable(error.to_string()),
        }
    }
}

/// Of a commit that failed for another reason than what is stored: whoever knows what was expected answers a conflict.
impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(why) => Self::too_large(why),
            CommitError::Conflict { .. } => Self::internal(error),
            CommitError::Unavailable(_) => Self::unavailable(error.to_string()),
        }
    }
}

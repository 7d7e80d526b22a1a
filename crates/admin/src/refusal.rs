//! Why a request is not done, before it has the form of an answer.

use backstay_kube::Failure;
use tonic::{Code, Status};

use crate::status;
use crate::transcode::decode::DecodeError;

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// By what is done with objects.
    Failure(Failure),
    /// The object cannot be read.
    Object(DecodeError),
    /// The request cannot be read.
    Request(prost::DecodeError),
}

impl Refusal {
    /// As an answer, to a request whose object is in the field `object`.
    pub(crate) fn status(&self, object: &str) -> Status {
        match self {
            Self::Failure(failure) => status::of(failure, object),
            Self::Object(error) => status::malformed(error, object),
            Self::Request(error) => Status::new(Code::InvalidArgument, format!("the request is malformed: {error}")),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::Object(error)
    }
}

impl From<prost::DecodeError> for Refusal {
    fn from(error: prost::DecodeError) -> Self {
        Self::Request(error)
    }
}

//! Data that is added to a response, whatever the backends answer, or depending on how that went.

use bytes::Bytes;

use crate::decode::{Collection, Decoder};
use crate::document::{Object, Uncovered};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::pipeline::Pipeline;

/// Members that are added after everything else is done. They take the place of those with the same name.
#[derive(Clone, Debug)]
pub struct Fixed {
    strategy: Strategy,
    data: Object,
}

/// When data is added. A response that there would be none of becomes one, whose status is 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// In any case.
    #[default]
    Always,
    /// If no call failed.
    Success,
    /// If some call failed.
    Errored,
    /// If no call failed and every answer was complete.
    Complete,
    /// If there is no response, or one that is not complete.
    Incomplete,
}

/// Why data to add was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// It is no JSON.
    #[error("data: {0}")]
    Json(#[from] DecodeError),
    /// It is `null`.
    #[error("data: must be an object")]
    Null,
}

impl Fixed {
    /// With a strategy, and a JSON object whose number literals are written as they stand.
    pub fn new(strategy: Strategy, json: Bytes) -> Result<Self, FixedError> {
        let decoder = Decoder::Json(Collection::No);
        let data = Pipeline::default().run(decoder, json, Uncovered::Yes, &Limits::default())?;
        let data = Object::from_sorted(data.ok_or(FixedError::Null)?.into_members());
        Ok(Self { strategy, data })
    }

    /// The data, if this is a case for it. `complete` is of the response, if there is one.
    pub(crate) fn applies(&self, complete: Option<bool>, failed: bool) -> Option<Object> {
        let applies = match self.strategy {
            Strategy::Always => true,
            Strategy::Success => !failed,
            Strategy::Errored => failed,
            Strategy::Complete => !failed && complete == Some(true),
            Strategy::Incomplete => complete != Some(true),
        };
        applies.then(|| self.data.clone())
    }
}

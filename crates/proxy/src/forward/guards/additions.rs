//! What answers get by the guards that their requests have passed.

use http::Response;

use crate::forward::response_body::ResponseBody;

/// What an answer gets, whoever gives it. Empty for requests that pass no guard that adds anything.
#[derive(Debug, Default)]
pub(in crate::forward) struct Additions(Option<Box<Added>>);

/// What there is to add.
#[derive(Debug)]
struct Added {}

impl Additions {
    /// Puts on the answer what it gets.
    #[inline]
    pub(in crate::forward) fn apply(self, response: &mut Response<ResponseBody>) {
        if let Some(added) = self.0 {
            added.apply(response);
        }
    }
}

impl Added {
    #[cold]
    fn apply(self, _response: &mut Response<ResponseBody>) {}
}

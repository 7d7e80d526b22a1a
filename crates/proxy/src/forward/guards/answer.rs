//! What a guard answers in place of the action.

use http::{HeaderMap, Response};

use crate::counts::Guard;
use crate::exchange::Exchange;
use crate::forward::reply;
use crate::forward::response_body::ResponseBody;
use crate::local_reply::LocalReply;

/// An answer in place of the action.
#[derive(Debug)]
pub(in crate::forward) struct Answer {
    pub(super) guard: Guard,
    reply: LocalReply,
    headers: HeaderMap,
}

impl Answer {
    /// An answer of `guard`.
    pub(super) fn new(guard: Guard, reply: LocalReply) -> Self {
        Self { guard, reply, headers: HeaderMap::new() }
    }

    /// The same answer with these headers, in place of those of their names.
    pub(super) fn with(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// Answers the request.
    pub(in crate::forward) fn give(self, exchange: Exchange) -> Response<ResponseBody> {
        let mut response = reply::refuse(exchange, self.reply);
        response.headers_mut().extend(self.headers);
        response
    }
}

//! What requests have to pass before the action of their rule, and what their answers get by it.
//!
//! [`check`] is called where the rule is known and nothing has been done yet, with the guards in the order of
//! [`backstay_model::route::guards::Guards`]: the first that does not let a request pass answers it. What guards add to answers is in
//! [`Additions`], which outlives the action: it is put on whatever the client gets, from an endpoint, from the proxy, and from a guard
//! that comes later.
//!
//! # Layout
//!
//! - `answer`: in place of the action. `additions`: to the answer, whoever gives it.
//! - `cors`, `security`, `bots`, `limits`: the guards.

mod additions;
mod answer;
mod bots;
mod cors;
mod limits;
mod security;

use std::sync::Arc;

use backstay_model::ClientAddress;
use backstay_model::route::PathTemplate;
use http::HeaderValue;
use http::request::Parts;

use crate::config::Guards;
use crate::exchange::Exchange;
pub(super) use additions::Additions;
use answer::Answer;

/// Whether a request may go on.
pub(super) enum Verdict {
    /// To the action.
    Pass,
    /// It may not, and is answered.
    Answer(Box<Answer>),
}

/// A request as guards see it.
#[derive(Clone, Copy)]
pub(super) struct Inquiry<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) parts: &'a Parts,
    /// Its authority, as the client wrote it.
    pub(super) authority: &'a HeaderValue,
    /// Whom it is from, where others say so.
    pub(super) client_address: Option<&'a ClientAddress>,
    /// What its path matched, if that was one with variables.
    pub(super) template: Option<&'a PathTemplate>,
}

/// Lets a request pass `guards`, and notes in `additions` what its answer gets by it.
pub(super) fn check(guards: &Arc<Guards>, inquiry: Inquiry<'_>, additions: &mut Additions) -> Verdict {
    let answer = cors::check(guards, inquiry, additions)
        .or_else(|| security::check(guards, inquiry, additions))
        .or_else(|| bots::check(&guards.checked.bots, inquiry))
        .or_else(|| limits::check(guards, inquiry));
    match answer {
        None => Verdict::Pass,
        Some(answer) => {
            inquiry.exchange.client.thread.shared.metrics.guards.count(answer.guard);
            Verdict::Answer(Box::new(answer))
        }
    }
}

//! What requests have to pass before the action of their rule, and what their answers get by it.
//!
//! [`check`] is called where the rule is known and nothing has been done yet, with the guards in the order of
//! [`Guards`]: the first that does not let a request pass answers it. What guards add to answers is in [`Additions`], which outlives
//! the action: it is put on whatever the client gets, from an endpoint, from the proxy, and from a guard that comes later.
//!
//! # Layout
//!
//! - `answer`: in place of the action. `additions`: to the answer, whoever gives it.
//! - `bots`: programs that are not wanted.

mod additions;
mod answer;
mod bots;

use std::sync::Arc;

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
}

/// Lets a request pass `guards`, and notes in `additions` what its answer gets by it.
pub(super) fn check(guards: &Arc<Guards>, inquiry: Inquiry<'_>, _additions: &mut Additions) -> Verdict {
    let answer = bots::check(&guards.bots, inquiry);
    match answer {
        None => Verdict::Pass,
        Some(answer) => {
            inquiry.exchange.client.thread.shared.metrics.guards.count(answer.guard);
            Verdict::Answer(Box::new(answer))
        }
    }
}

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
//! - `inquiry`: a request as they see it. `cors`, `security`, `bots`, `token`, `limits`: the guards.

mod additions;
mod answer;
mod bots;
mod cors;
mod inquiry;
mod limits;
mod security;
mod token;

use std::sync::Arc;

use http::request::Parts;

use crate::config::Guards;
use crate::counts::Guard;
use crate::exchange::Exchange;
use crate::tokens::Validator;
pub(super) use additions::Additions;
use answer::Answer;
pub(super) use inquiry::Inquiry;
use token::Judgement;
pub(super) use token::{Accepted, Waiter};

/// Whether a request may go on.
pub(super) enum Verdict {
    /// To the action.
    Pass(Passed),
    /// It may not, and is answered.
    Answer(Box<Answer>),
    /// That is not known yet: it waits, and is decided on again.
    Wait(Box<Waiter>),
}

/// What is known of a request that has passed.
#[derive(Default)]
pub(super) struct Passed {
    token: Option<Accepted>,
}

/// What wants a token of a request.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    pub(super) validator: Option<&'a Validator>,
    /// Whether the request has waited for keys already.
    pub(super) waited: bool,
}

/// Lets a request pass `guards`, and notes in `additions` what its answer gets by it.
pub(super) fn check(
    guards: &Arc<Guards>,
    token: Wanted<'_>,
    inquiry: Inquiry<'_>,
    additions: &mut Additions,
) -> Verdict {
    match check_sharing(guards, inquiry, additions) {
        None => check_rest(guards, token, inquiry, additions),
        Some(answer) => Verdict::Answer(answer),
    }
}

/// The part of [`check`] that comes before all else: who may read the answer, which preflights ask. `None` if the request goes on.
pub(super) fn check_sharing(
    guards: &Arc<Guards>,
    inquiry: Inquiry<'_>,
    additions: &mut Additions,
) -> Option<Box<Answer>> {
    cors::check(guards, inquiry, additions).map(|answer| counted(answer, inquiry))
}

/// The part of [`check`] that follows [`check_sharing`].
pub(super) fn check_rest(
    guards: &Arc<Guards>,
    token: Wanted<'_>,
    inquiry: Inquiry<'_>,
    additions: &mut Additions,
) -> Verdict {
    let mut passed = Passed::default();
    let mut answer = security::check(guards, inquiry, additions).or_else(|| bots::check(&guards.checked.bots, inquiry));
    if answer.is_none()
        && let Some(validator) = token.validator
    {
        match token::judge(validator, inquiry, token.waited) {
            Judgement::Accepted(claims) => passed.token = Some(Accepted(claims)),
            Judgement::Refused(refusal) => answer = Some(token::refuse(validator, refusal, inquiry.exchange)),
            Judgement::Undecided(waiter) => return Verdict::Wait(Box::new(waiter)),
        }
    }
    let answer = answer.or_else(|| limits::check(guards, inquiry));
    match answer {
        None => Verdict::Pass(passed),
        Some(answer) => Verdict::Answer(counted(answer, inquiry)),
    }
}

/// The answer, which metrics have then.
fn counted(answer: Answer, inquiry: Inquiry<'_>) -> Box<Answer> {
    inquiry.exchange.client.thread.shared.metrics.guards.count(answer.guard);
    Box::new(answer)
}

impl Passed {
    /// Gives the request what it gets for having passed. `None`, unless it is refused after all.
    pub(super) fn enter(
        self,
        validator: Option<&Validator>,
        exchange: &Exchange,
        parts: &mut Parts,
    ) -> Option<Box<Answer>> {
        let (accepted, validator) = self.token.zip(validator)?;
        if let Err(refusal) = token::propagate(validator, &accepted.0, &mut parts.headers) {
            exchange.client.thread.shared.metrics.guards.count(Guard::Token);
            return Some(Box::new(token::refuse(validator, refusal, exchange)));
        }
        accepted.keep(parts);
        None
    }
}

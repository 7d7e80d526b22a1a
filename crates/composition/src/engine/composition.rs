//! The state machine.

mod sending;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::answer::{self, Answer, Head, Wanted};
use super::failure::CallError;
use super::merging::Merging;
use super::outbound::{Admitted, Call, CallId, Request};
use super::part::{Outcome, Part};
use super::response::{self, Failed, Response};
use crate::document::{Object, Uncovered};
use crate::error::DecodeError;
use crate::plan::{CallPlan, Flow, MergeOrder, Plan, Requirement, Seen, Untrue};

/// What is to be done next.
#[derive(Debug, Default)]
pub struct Step {
    /// Calls to make now.
    pub calls: Vec<Call>,
    /// Calls that nobody waits for any more.
    pub cancelled: Vec<CallId>,
    /// The response, once; nothing more happens after it.
    pub response: Option<Response>,
    /// What became of the call whose answer or failure was handed in; none if nobody waits for it any more.
    pub settled: Option<Settled>,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub enum Settled {
    /// Its answer says all that it should.
    Complete,
    /// There is an answer, which is not complete.
    Incomplete,
    /// It failed; an answer that cannot be decoded is a failure too.
    Failed(CallError),
}

/// One request, from its calls to its response.
#[derive(Debug)]
pub struct Composition {
    plan: Arc<Plan>,
    request: Request,
    admitted: Admitted,
    /// The positions of the calls whose answers count.
    regular: Vec<usize>,
    /// What each of them comes to.
    parts: Vec<Part>,
    /// In which order parts came to something.
    arrived: Vec<usize>,
    /// Of a sequence: what each call came to, for those after it.
    answers: Vec<Option<Answer>>,
    /// Of a sequence: values that have been looked up, which stay what they were.
    resolved: HashMap<String, String>,
    merging: Merging,
    /// The first call has the body, if only one can have it.
    body_given: bool,
    held: usize,
    finished: bool,
}

impl Composition {
    /// Starts a composition, and tells which calls to make.
    pub fn start(plan: Arc<Plan>, request: Request) -> (Self, Step) {
        let regular: Vec<_> = plan.regular().map(|(position, _)| position).collect();
        let mut composition = Self {
            admitted: Admitted::new(&plan.settings().request, &request),
            parts: regular.iter().map(|_| Part::default()).collect(),
            answers: regular.iter().map(|_| None).collect(),
            arrived: Vec::new(),
            resolved: HashMap::new(),
            merging: Merging::default(),
            body_given: false,
            held: 0,
            finished: false,
            regular,
            plan,
            request,
        };
        let mut step = Step::default();
        composition.send_shadows(&mut step);
        let first = match composition.plan.settings().flow {
            Flow::Parallel => composition.parts.len(),
            Flow::Sequential { .. } => 1,
        };
        for part in 0..first {
            composition.send(part, &mut step);
        }
        composition.advance(&mut step);
        (composition, step)
    }

    /// What is wanted of the answer to a call, once its status is known.
    pub fn wanted(&self, call: CallId, status: StatusCode) -> Wanted {
        let (Some(part), Some(plan)) = (self.part_of(call), self.call(call.call.into())) else { return Wanted::Head };
        let settings = self.plan.settings();
        let left = settings.limits.total_bytes.saturating_sub(self.held);
        let limit = settings.limits.effective_response_bytes().min(left);
        let passed = settings.output.encoder == crate::Encoder::Opaque;
        answer::wanted(plan, status, passed, self.body_is_referred_to(part), limit)
    }

    /// How many bytes of answers can still be held.
    pub fn bytes_left(&self) -> usize {
        self.plan.settings().limits.total_bytes.saturating_sub(self.held)
    }

    /// Hands in the answer to a call, with what was wanted of its body.
    pub fn on_response(&mut self, call: CallId, head: Head, body: Bytes) -> Step {
        let result = match self.part_of(call) {
            Some(part) => self.read(part, call, head, body),
            None => return Step::default(),
        };
        self.settle(call, result)
    }

    /// Hands in that a call failed. A body that is longer than what was wanted is [`DecodeError::TooLong`].
    pub fn on_error(&mut self, call: CallId, error: CallError) -> Step {
        self.settle(call, Err(error))
    }

    /// Hands in that the deadline of the composition passed: all that it waits for has failed.
    pub fn on_deadline(&mut self) -> Step {
        let mut step = Step::default();
        for (part, position) in self.regular.clone().into_iter().enumerate() {
            for copy in 0..self.copies(position) {
                let id = CallId { call: position as u16, copy: copy as u16 };
                if self.parts.get(part).is_some_and(|part| part.waits_for(copy)) {
                    let next = self.settle(id, Err(CallError::Deadline));
                    step.cancelled.push(id);
                    step.cancelled.extend(next.calls.iter().map(|call| call.id));
                    step.response = step.response.or(next.response);
                }
            }
        }
        step
    }

    fn call(&self, position: usize) -> Option<&CallPlan> {
        self.plan.settings().calls.get(position)
    }

    fn copies(&self, position: usize) -> usize {
        self.call(position).map_or(0, |call| call.copies.get().into())
    }

    /// The part that an answer to a call belongs to, if it is waited for.
    fn part_of(&self, call: CallId) -> Option<usize> {
        let part = self.regular.binary_search(&call.call.into()).ok()?;
        let waits = !self.finished && self.parts.get(part)?.waits_for(call.copy.into());
        waits.then_some(part)
    }

    fn read(&mut self, part: usize, call: CallId, head: Head, body: Bytes) -> Result<Answer, CallError> {
        let limits = self.plan.settings().limits;
        let total = self.held.saturating_add(body.len());
        if body.len() > limits.effective_response_bytes() {
            return Err(DecodeError::TooLong { limit: limits.effective_response_bytes() }.into());
        }
        if total > limits.total_bytes {
            return Err(CallError::TotalTooLong { limit: limits.total_bytes });
        }
        // What is decompressed may be as long as what is left, and counts as what it was sent as at least.
        let left = limits.total_bytes.saturating_sub(self.held);
        let limits = crate::Limits { response_bytes: limits.effective_response_bytes().min(left), ..limits };
        let uncovered = if self.parts.len() > 1 { Uncovered::Yes } else { Uncovered::No };
        let Some(plan) = self.call(call.call.into()) else { return Err(CallError::Cancelled) };
        let keeps_body = self.body_is_referred_to(part);
        let mut answer = answer::read(plan, head, body, uncovered, &limits)?;
        if let Some(expressions) = &plan.expressions {
            expressions.check_answer(&answer.seen())?;
        }
        if !keeps_body {
            answer.body = None;
        }
        self.held = total.max(self.held.saturating_add(answer.size()));
        Ok(answer)
    }

    fn settle(&mut self, call: CallId, result: Result<Answer, CallError>) -> Step {
        let mut step = Step::default();
        let Some(part) = self.part_of(call) else { return step };
        step.settled = Some(match &result {
            Ok(answer) if answer.complete => Settled::Complete,
            Ok(_) => Settled::Incomplete,
            Err(error) => Settled::Failed(error.clone()),
        });
        let Some(settled) = self.parts.get_mut(part).and_then(|state| state.settle(call.copy.into(), result)) else {
            return step;
        };
        step.cancelled = settled.into_iter().map(|copy| CallId { call: call.call, copy: copy as u16 }).collect();
        self.arrived.push(part);
        self.advance(&mut step);
        step
    }

    /// Merges what has come in, sends what comes next, and finishes.
    fn advance(&mut self, step: &mut Step) {
        if self.finished {
            return;
        }
        if matches!(self.plan.settings().flow, Flow::Sequential { .. }) && self.parts.len() > 1 {
            self.advance_sequence(step);
            return;
        }
        if self.arrived.len() < self.parts.len() {
            return;
        }
        let arrival = self.plan.settings().order == MergeOrder::Arrival;
        let order: Vec<_> = if arrival { self.arrived.clone() } else { (0..self.parts.len()).collect() };
        let several = order.len() > 1;
        for part in order {
            let Some(Outcome { answer, error }) = self.parts.get_mut(part).and_then(|part| part.outcome.take()) else {
                continue;
            };
            if !several {
                // What the only call came to is the response, even if some of its copies failed.
                self.finish(answer, error.map(Failed::Alone), step);
                return;
            }
            match (error, answer) {
                (None, Some(answer)) => self.merging.add(answer),
                (Some(error), _) => self.fail_part(part, error),
                (None, None) => {}
            }
        }
        self.finish_merge(step);
    }

    fn advance_sequence(&mut self, step: &mut Step) {
        while let Some(&part) = self.arrived.get(self.merging.count) {
            let Some(Outcome { answer, error }) = self.parts.get_mut(part).and_then(|part| part.outcome.take()) else {
                return;
            };
            let last = part + 1 == self.parts.len();
            match (error, answer) {
                (Some(error), _) if part == 0 => return self.finish(None, Some(Failed::Alone(error)), step),
                (Some(error), _) => {
                    self.fail_part(part, error);
                    return self.finish_merge(step);
                }
                (None, None) => return self.finish_merge(step),
                (None, Some(answer)) => {
                    let complete = answer.complete;
                    if let Some(kept) = self.answers.get_mut(part) {
                        *kept = Some(answer.clone());
                    }
                    self.merging.add(answer);
                    if last || !complete {
                        return self.finish_merge(step);
                    }
                    self.send(part + 1, step);
                }
            }
        }
    }

    fn fail_part(&mut self, part: usize, error: CallError) {
        let position = self.regular.get(part).copied();
        let required = position.and_then(|at| self.call(at)).map(|call| call.requirement);
        self.merging.required_failed |= required == Some(Requirement::Required);
        self.merging.count += 1;
        self.merging.errors.push(error);
    }

    fn finish_merge(&mut self, step: &mut Step) {
        let Merging { merged, errors, required_failed, count } = std::mem::take(&mut self.merging);
        let whole = errors.is_empty() && count == self.parts.len();
        let mut merged = if required_failed { None } else { merged };
        if let Some(answer) = &mut merged {
            answer.complete &= whole;
            if errors.is_empty()
                && let Some(operations) = &self.plan.settings().operations
            {
                answer.data = operations.apply(answer.data.take());
            }
        }
        let failed = (!errors.is_empty()).then_some(Failed::Merged(errors));
        self.finish(merged, failed, step);
    }

    fn finish(&mut self, answer: Option<Answer>, failed: Option<Failed>, step: &mut Step) {
        self.finished = true;
        let stream = self.regular.first().map(|&position| CallId { call: position as u16, copy: self.streamed() });
        let settings = self.plan.settings();
        let complete = answer.as_ref().map(|answer| answer.complete);
        let fixed = settings.fixed.as_ref().and_then(|fixed| fixed.applies(complete, failed.is_some()));
        let answer = match (fixed, answer) {
            (None, answer) => answer,
            (Some(fixed), None) => {
                Some(Answer { data: Some(fixed), complete: false, status: None, passed: None, body: None })
            }
            (Some(fixed), Some(answer)) => {
                let data = answer.data.unwrap_or_else(Object::empty).merged(fixed);
                Some(Answer { data: Some(data), ..answer })
            }
        };
        let (answer, failed) = match self.check_answer(answer.as_ref(), failed.is_some()) {
            Ok(()) => (answer, failed),
            Err(error) => (None, Some(Failed::Alone(error))),
        };
        let stream = if answer.as_ref().is_some_and(|answer| answer.passed.is_some()) { stream } else { None };
        let result = response::Result { answer, failed, stream };
        step.response = Some(match self.plan.signing() {
            None => response::render(&settings.output, result, &self.request.headers),
            Some(signing) => response::signed(signing, result),
        });
    }

    /// Evaluates what has to be true of the response. What has failed in part is not looked at.
    fn check_answer(&self, answer: Option<&Answer>, has_failed: bool) -> Result<(), CallError> {
        let Some(expressions) = self.plan.expressions().filter(|_| !has_failed) else { return Ok(()) };
        match answer {
            Some(answer) => Ok(expressions.check_answer(&answer.seen())?),
            None if expressions.concern_answers() => Err(Untrue { index: 0 }.into()),
            None => Ok(()),
        }
    }

    /// The response to a request that was refused before any call was made.
    pub fn refused(plan: &Plan, request: &Request, error: CallError) -> Response {
        let result = response::Result { answer: None, failed: Some(Failed::Alone(error)), stream: None };
        match plan.signing() {
            None => response::render(&plan.settings().output, result, &request.headers),
            Some(signing) => response::signed(signing, result),
        }
    }

    /// Evaluates what has to be true of a request before any call is made.
    ///
    /// # Errors
    /// What is not.
    pub fn check(plan: &Plan, request: &Request, (method, path): (&str, &str)) -> Result<(), CallError> {
        let Some(expressions) = plan.expressions().filter(|expressions| expressions.concern_requests()) else {
            return Ok(());
        };
        let admitted = Admitted::new(&plan.settings().request, request);
        let (headers, query) = (&admitted.headers, admitted.query.encode());
        let parameters = &request.parameters;
        Ok(expressions.check_request(&Seen { method, path, parameters, headers, query: &query })?)
    }

    /// The copy whose answer is passed through: the last one that was handed in.
    fn streamed(&self) -> u16 {
        self.parts.first().map_or(0, |part| part.settled_copy())
    }
}

//! What is sent: calls with their parameters, the values of earlier answers among them.

use super::{Composition, Step};
use crate::decode::Decoder;
use crate::engine::failure::CallError;
use crate::engine::outbound::{Call, CallBody, CallId, RequestBody};
use crate::engine::values;
use crate::plan::{CallPlan, Flow, Plan, Reference, Role, Segment, percent};
use crate::url::target;

impl Composition {
    pub(super) fn send_shadows(&mut self, step: &mut Step) {
        let plan = self.plan.clone();
        let timeouts = plan.settings().calls.iter().filter_map(|call| match call.role {
            Role::Shadow { timeout } => Some(timeout),
            Role::Regular => None,
        });
        let Some(longest) = timeouts.max() else { return };
        for (position, call) in plan.settings().calls.iter().enumerate() {
            if let Role::Shadow { .. } = call.role
                && let Ok(built) = self.build(position, call, &self.request.parameters.clone(), None)
            {
                step.calls.push(Call { deadline: longest, timeout: None, ..built });
            }
        }
    }

    /// Sends the copies of a call, or fails it if there is nothing to send.
    pub(super) fn send(&mut self, part: usize, step: &mut Step) {
        let plan = self.plan.clone();
        let Some(&position) = self.regular.get(part) else { return };
        let Some(call) = plan.settings().calls.get(position) else { return };
        let parameters = self.resolve(part, call);
        let copies = self.copies(position);
        if let Some(state) = self.parts.get_mut(part) {
            state.sent(copies);
        }
        match self.build(position, call, &parameters, Some(part)) {
            Ok(built) => {
                let copy = |copy: usize| Call {
                    id: CallId { call: position as u16, copy: copy as u16 },
                    timeout: (copies > 1).then(|| percent(plan.settings().timeout, Plan::COPIES_PERCENT)),
                    ..built.clone()
                };
                step.calls.extend((0..copies).map(copy));
            }
            Err(error) => {
                for copy in 0..copies {
                    if let Some(state) = self.parts.get_mut(part)
                        && state.settle(copy, Err(error.clone())).is_some()
                    {
                        self.arrived.push(part);
                    }
                }
            }
        }
    }

    fn build(
        &mut self,
        position: usize,
        call: &CallPlan,
        parameters: &[(String, String)],
        part: Option<usize>,
    ) -> Result<Call, CallError> {
        let find = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let text = call.pattern.render(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => find(name),
            Segment::Reference(reference) => find(&reference.name()),
        });
        let (headers, query, mut body, undo_gzip) = self.admitted.for_call(call);
        let target = target(&text, &query).map_err(|reason| CallError::Target { target: text, reason })?;
        if part.is_some()
            && body != CallBody::Empty
            && !self.plan.shares_body()
            && std::mem::replace(&mut self.body_given, true)
        {
            body = CallBody::Empty;
        }
        if self.admitted.body == RequestBody::Empty {
            body = CallBody::Empty;
        }
        Ok(Call {
            id: CallId { call: position as u16, copy: 0 },
            position,
            method: call.method.clone(),
            target,
            headers,
            body,
            role: call.role,
            deadline: self.plan.deadline(),
            timeout: None,
            undo_gzip,
            parameters: parameters.to_vec(),
        })
    }

    /// The parameters of a call: the request's, and what earlier answers add.
    fn resolve(&mut self, part: usize, call: &CallPlan) -> Vec<(String, String)> {
        let plan = self.plan.clone();
        if let Flow::Sequential { propagated } = &plan.settings().flow
            && part > 0
        {
            let named = call.pattern.segments().iter().filter_map(|segment| match segment {
                Segment::Reference(reference) => Some(reference),
                _ => None,
            });
            for reference in named.chain(propagated) {
                if reference.call < part
                    && let name = reference.name()
                    && self.resolved.get(&name).is_none_or(String::is_empty)
                    && let Some(value) = self.look_up(reference)
                {
                    self.resolved.insert(name, value);
                }
            }
        }
        let mut parameters = self.request.parameters.clone();
        let mut resolved: Vec<_> = self.resolved.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        resolved.sort_unstable();
        parameters.retain(|(name, _)| !self.resolved.contains_key(name));
        parameters.extend(resolved);
        parameters
    }

    fn look_up(&self, reference: &Reference) -> Option<String> {
        let answer = self.answers.get(reference.call)?.as_ref()?;
        if reference.path.is_empty() {
            return answer.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
        }
        // The first answer with data is what later ones are merged into: what they add can be found in it.
        let first = self.answers.iter().position(|answer| answer.as_ref().is_some_and(|answer| answer.data.is_some()));
        let merged = if first == Some(reference.call) { self.merging.merged.as_ref() } else { None };
        values::text_at(merged.unwrap_or(answer).data.as_ref()?, &reference.path)
    }

    /// Whether the body of an opaque answer is a parameter of later calls.
    pub(super) fn body_is_referred_to(&self, part: usize) -> bool {
        let Flow::Sequential { propagated } = &self.plan.settings().flow else { return false };
        let position = self.regular.get(part).copied();
        let opaque = position.and_then(|at| self.call(at)).is_some_and(|call| call.decoder == Decoder::Opaque);
        opaque && propagated.iter().any(|reference| reference.call == part && reference.path.is_empty())
    }
}

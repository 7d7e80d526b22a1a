use super::{Action, Echo, Forward, Target, WeightedTarget, WeightedTargets};
use crate::fault::{Beneath, Checked, Together, Within, all, refuse, unknown};
use crate::route::composition;
use crate::route::filter::filters;
use crate::route::reference::backend_ref;
use crate::route::reply::{Respond, redirect, respond};
use crate::route::sequence;
use crate::route::sequence::Sequence;
use crate::scalar::limit;
use backstay_proto::config::{self, operation, rule, weighted_backend};

/// Bytes of a body that are told where nothing else is said, and at most.
const ECHOED: usize = 64 << 10;
const MOST_ECHOED: u32 = 16 << 20;

/// The action of a rule.
pub(in crate::route) fn action(message: Option<&rule::Action>) -> Checked<Action> {
    Ok(match message {
        None => return unknown("action"),
        Some(rule::Action::Forward(message)) => Action::Forward(forward(message).within("forward")?),
        Some(rule::Action::Redirect(message)) => Action::Redirect(redirect(message).within("redirect")?),
        Some(rule::Action::Respond(message)) if message.computed_body.is_some() => {
            Action::Sequence(Box::new(computed(message)?))
        }
        Some(rule::Action::Respond(message)) => Action::Respond(Box::new(fixed(message).within("respond")?)),
        Some(rule::Action::Sequence(message)) => {
            Action::Sequence(Box::new(sequence::sequence(message).within("sequence")?))
        }
        Some(rule::Action::Compose(message)) => {
            Action::Compose(Box::new(composition::composition(message).within("compose")?))
        }
        Some(rule::Action::Echo(message)) => Action::Echo(echo(message).within("echo")?),
    })
}

/// An answer whose body depends on the request is a sequence of one step.
fn computed(message: &config::Respond) -> Checked<Sequence> {
    let operation = config::Operation { kind: Some(operation::Kind::Respond(message.clone())) };
    let step = config::Step { when: None, operations: vec![operation] };
    // Faults are of the operation: no other field is set.
    sequence::sequence(&config::Sequence { steps: vec![step], ..config::Sequence::default() }).beneath("respond")
}

fn echo(message: &config::Echo) -> Checked<Echo> {
    match usize::try_from(message.body_bytes) {
        Ok(0) => Ok(Echo { body_bytes: ECHOED }),
        Ok(body_bytes) if message.body_bytes <= MOST_ECHOED => Ok(Echo { body_bytes }),
        _ => refuse("body_bytes", format!("must not be more than {MOST_ECHOED}")),
    }
}

fn forward(message: &config::Forward) -> Checked<Forward> {
    let targets = message.backends.iter().enumerate();
    let targets = targets.map(|(index, weighted)| target(weighted).within_element("backends", index));
    let (targets, request_timeout, backend_request_timeout) = (
        all(targets),
        limit("request_timeout", message.request_timeout),
        limit("backend_request_timeout", message.backend_request_timeout),
    )
        .together()?;
    Ok(Forward { targets: WeightedTargets::new(targets), request_timeout, backend_request_timeout })
}

fn target(message: &config::WeightedBackend) -> Checked<WeightedTarget> {
    let target = match &message.target {
        None => unknown("target"),
        Some(weighted_backend::Target::Respond(message)) => {
            fixed(message).map(|respond| Target::Respond(Box::new(respond))).within("respond")
        }
        Some(weighted_backend::Target::Backend(reference)) => {
            backend_ref(reference).map(|(backend, port)| Target::Backend { backend, port }).within("backend")
        }
    };
    let (filters, target) = (filters(&message.filters), target).together()?;
    Ok(WeightedTarget { weight: message.weight, target, filters: filters.into() })
}

/// An answer that does not depend on the request.
fn fixed(message: &config::Respond) -> Checked<Respond> {
    if message.computed_body.is_some() {
        return refuse("computed_body", "can be set in the steps of a sequence only");
    }
    respond(message)
}

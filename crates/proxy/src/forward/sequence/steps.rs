//! Runs the steps of a sequence.

use backstay_destination::Authority;
use backstay_expression::{DestinationIndex, Text};
use backstay_model::sequence::{Operation, SetHeader};
use backstay_model::{Redirect, Respond};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri, header};

use super::evaluation::Evaluation;
use crate::forward::destination::{self, ResponseEdits};
use crate::forward::request_target;

/// How a sequence ends.
pub(super) enum End<'a> {
    /// The request goes to the destination that is selected, if one is.
    Send(Option<usize>),
    /// The operator's answer, with the body that was computed, if it was.
    Respond(&'a Respond, Option<Bytes>),
    /// The client is sent elsewhere.
    Redirect(&'a Redirect),
    /// What the steps have made of the request is none.
    Unsendable,
}

/// Lets each step see and change the request as those before it have left it.
pub(super) fn run<'a>(evaluation: &mut Evaluation<'a, '_>, edits: &mut ResponseEdits) -> End<'a> {
    let sequence = evaluation.sequence;
    let mut host_is_set = false;
    for step in &*sequence.steps {
        if step.when.as_ref().is_some_and(|when| !when.of(evaluation)) {
            continue;
        }
        for operation in &step.operations {
            match operation {
                Operation::Select(DestinationIndex(index)) => evaluation.selected = Some(*index),
                Operation::SetRequestHeader(set) => {
                    if let Some(value) = value(&set.value, evaluation) {
                        host_is_set |= set.name == header::HOST;
                        destination::set(&mut evaluation.parts.headers, set.name.clone(), value, set.mode);
                    }
                }
                Operation::RemoveRequestHeader(name) => {
                    evaluation.parts.headers.remove(name);
                }
                Operation::SetResponseHeader(SetHeader { name, value: text, mode }) => {
                    if let Some(value) = value(text, evaluation) {
                        edits.set(name.clone(), value, *mode);
                    }
                }
                Operation::RemoveResponseHeader(name) => edits.remove(name.clone()),
                Operation::SetTarget(text) => match target(text, evaluation) {
                    Some(target) => evaluation.parts.uri = target,
                    None => return End::Unsendable,
                },
                Operation::Respond(respond, computed) => {
                    let computed = computed
                        .as_ref()
                        .map(|text| text.of(evaluation).map_or_else(Bytes::new, |body| body.into_bytes()));
                    return End::Respond(respond, computed);
                }
                Operation::Redirect(redirect) => return End::Redirect(redirect),
            }
        }
    }
    if host_is_set && !has_host(evaluation) {
        return End::Unsendable;
    }
    End::Send(evaluation.selected)
}

/// What a header is set to. Blanks at either end are no part of a value (RFC 9110, 5.5), and HTTP/2 has no place for them.
fn value(text: &Text, evaluation: &Evaluation<'_, '_>) -> Option<HeaderValue> {
    text.of(evaluation).and_then(|value| HeaderValue::from_bytes(value.trim_ascii()).ok())
}

fn target(text: &Text, evaluation: &Evaluation<'_, '_>) -> Option<Uri> {
    let target = text.of(evaluation)?;
    // What follows would be lost without a word.
    if target.contains(&b'#') {
        return None;
    }
    let target = Uri::from(PathAndQuery::try_from(&*target).ok()?);
    request_target::is_valid(&evaluation.parts.method, &target).then_some(target)
}

/// Whether the request says whom it is for, after the steps have had their say in it.
fn has_host(evaluation: &Evaluation<'_, '_>) -> bool {
    let host = evaluation.parts.headers.get(header::HOST);
    host.is_some_and(|host| Authority::parse(host.as_bytes()).is_some())
}

//! What steps do.

use backstay_expression::{DestinationIndex, Text};
use backstay_proto::config::{self, operation, set_header};
use http::HeaderName;

use super::expression::text;
use super::scope::Scope;
use crate::fault::{Checked, Together, Within, refuse, unknown};
use crate::route::filter::header_name;
use crate::route::reply::{Redirect, Respond, redirect, respond};

/// One thing that a step does.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The request goes here, unless another destination is selected later.
    Select(DestinationIndex),
    /// Changes a header of the request.
    SetRequestHeader(SetHeader),
    /// Removes all lines of a header of the request.
    RemoveRequestHeader(HeaderName),
    /// Changes a header of the response, whoever it comes from.
    SetResponseHeader(SetHeader),
    /// Removes all lines of a header of the response.
    RemoveResponseHeader(HeaderName),
    /// Path and query from here on.
    SetTarget(Text),
    /// Answers, and ends the sequence. The body is computed where there is an expression for it.
    Respond(Respond, Option<Text>),
    /// Sends the client elsewhere, and ends the sequence.
    Redirect(Redirect),
}

/// A change of a header.
#[derive(Clone, Debug)]
pub struct SetHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value; absent, nothing is set.
    pub value: Text,
    /// What happens to lines of it that are there.
    pub mode: HeaderMode,
}

/// What a new line of a header does to those that are there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeaderMode {
    /// It replaces them.
    Replace,
    /// It is set only if there are none.
    IfAbsent,
    /// It is added.
    Append,
}

pub(super) fn operation(message: &config::Operation, scope: &mut Scope) -> Checked<Operation> {
    use operation::Kind;
    Ok(match &message.kind {
        None => return unknown(""),
        Some(Kind::Select(name)) => Operation::Select(scope.destination("select", name)?),
        Some(Kind::SetRequestHeader(message)) => {
            Operation::SetRequestHeader(set_header(message, scope).within("set_request_header")?)
        }
        Some(Kind::RemoveRequestHeader(name)) => {
            Operation::RemoveRequestHeader(removable(name).within("remove_request_header")?)
        }
        Some(Kind::SetResponseHeader(message)) => {
            Operation::SetResponseHeader(set_header(message, scope).within("set_response_header")?)
        }
        Some(Kind::RemoveResponseHeader(name)) => {
            Operation::RemoveResponseHeader(header_name(name).within("remove_response_header")?)
        }
        Some(Kind::SetTarget(value)) => Operation::SetTarget(text(value, scope).within("set_target")?),
        Some(Kind::Respond(message)) => {
            let computed = message.computed_body.as_ref().map(|body| {
                if message.body.is_empty() {
                    text(body, scope).within("computed_body")
                } else {
                    refuse("computed_body", "must not be set beside body")
                }
            });
            let (respond, computed) = (respond(message), computed.transpose()).together().within("respond")?;
            Operation::Respond(respond, computed)
        }
        Some(Kind::Redirect(message)) => Operation::Redirect(redirect(message).within("redirect")?),
    })
}

/// A header of the request that can go. Without `Host` nobody would know whom it is for.
fn removable(name: &str) -> Checked<HeaderName> {
    match header_name(name)? {
        http::header::HOST => refuse("", "a request cannot be without host; set another one"),
        name => Ok(name),
    }
}

fn set_header(message: &config::SetHeader, scope: &mut Scope) -> Checked<SetHeader> {
    let value = match &message.value {
        None => refuse("value", "must be set"),
        Some(value) => text(value, scope).within("value"),
    };
    let mode = match set_header::Mode::try_from(message.mode) {
        Ok(set_header::Mode::Replace) => Ok(HeaderMode::Replace),
        Ok(set_header::Mode::IfAbsent) => Ok(HeaderMode::IfAbsent),
        Ok(set_header::Mode::Append) if message.name.eq_ignore_ascii_case("host") => {
            refuse("mode", "a request has one host; replace it")
        }
        Ok(set_header::Mode::Append) => Ok(HeaderMode::Append),
        Err(_) => unknown("mode"),
    };
    let (name, value, mode) = (header_name(&message.name).within("name"), value, mode).together()?;
    Ok(SetHeader { name, value, mode })
}

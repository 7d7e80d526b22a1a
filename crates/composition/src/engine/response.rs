//! What the client gets.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::answer::Answer;
use super::failure::CallError;
use super::outbound::CallId;
use crate::encode::Encoder;
use crate::plan::{ErrorBody, Output, Signing};

/// What the client gets.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The header fields; the length is for whoever sends them to say.
    pub headers: HeaderMap,
    /// The body.
    pub body: ResponseBody,
    /// What went wrong, whatever the client is told of it: of calls in their order.
    pub errors: Vec<CallError>,
}

/// The body of a response.
#[derive(Clone, Debug)]
pub enum ResponseBody {
    /// All of it.
    Full(Bytes),
    /// The body of the answer to this call, as it arrives.
    Stream(CallId),
}

/// The error of a response that there is no data for.
#[derive(Debug)]
pub(super) enum Failed {
    /// What failed alone: the only call, or the first of a sequence.
    Alone(CallError),
    /// What failed of a merge.
    Merged(Vec<CallError>),
}

impl Failed {
    pub(super) fn into_errors(self) -> Vec<CallError> {
        match self {
            Self::Alone(error) => vec![error],
            Self::Merged(errors) => errors,
        }
    }
}

/// What is to be answered, before it is encoded.
#[derive(Debug)]
pub(super) struct Result {
    pub(super) answer: Option<Answer>,
    pub(super) failed: Option<Failed>,
    /// The call whose body is passed through, if one is.
    pub(super) stream: Option<CallId>,
}

/// Encodes the response. `headers` are the client's.
pub(super) fn render(output: &Output, result: Result, headers: &HeaderMap) -> Response {
    let Result { answer, failed, stream } = result;
    let complete = answer.as_ref().is_some_and(|answer| answer.complete && answer.has_data());
    let mut fields = output.headers.clone();
    if let Some(completed) = &output.completed {
        fields.insert(completed.clone(), HeaderValue::from_static(if complete { "true" } else { "false" }));
    }
    let seconds = output.cache.as_secs();
    if complete
        && !output.cache.is_zero()
        && let Ok(value) = HeaderValue::try_from(format!("public, max-age={seconds}"))
    {
        fields.insert(CACHE_CONTROL, value);
    }
    let Some(answer) = answer else { return failure(output, failed, fields) };
    let errors = failed.map(Failed::into_errors).unwrap_or_default();
    if output.encoder == Encoder::Opaque {
        return passed(answer, stream, fields, errors);
    }
    let status = answer.status.unwrap_or(StatusCode::OK);
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        // They have no content, whatever other calls have answered (RFC 9110, 15.3.5 and 15.3.6).
        return Response { status, headers: fields, body: ResponseBody::Full(Bytes::new()), errors };
    }
    let encoded = output.encoder.encode(answer.data, headers);
    fields.insert(CONTENT_TYPE, encoded.content_type);
    Response { status, headers: fields, body: ResponseBody::Full(encoded.body), errors }
}

/// An answer as it is. Fields that both have are the answer's, besides those of this response.
fn passed(answer: Answer, stream: Option<CallId>, mut fields: HeaderMap, errors: Vec<CallError>) -> Response {
    let (status, headers) = answer.passed.unwrap_or_else(|| (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new()));
    for (name, value) in &headers {
        fields.append(name.clone(), value.clone());
    }
    let body = stream.map_or(ResponseBody::Full(Bytes::new()), ResponseBody::Stream);
    Response { status, headers: fields, body, errors }
}

fn failure(output: &Output, failed: Option<Failed>, mut fields: HeaderMap) -> Response {
    let errors = failed.as_ref().map_or(&[][..], |failed| match failed {
        Failed::Alone(error) => std::slice::from_ref(error),
        Failed::Merged(errors) => errors,
    });
    let said = match &failed {
        Some(Failed::Alone(CallError::Answered { status, .. })) => Some(*status),
        _ => errors.iter().find_map(|error| match error {
            CallError::Answered { status, merged: true, .. } => Some(*status),
            _ => None,
        }),
    };
    let status = said.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = Bytes::new();
    if output.errors == ErrorBody::Message {
        let mut content_type = None;
        body = match &failed {
            Some(Failed::Alone(CallError::Answered { body, content_type: given, .. })) => {
                content_type = given.clone().filter(|given| !given.is_empty());
                body.clone()
            }
            _ => {
                let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
                messages.join("\n").into()
            }
        };
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        if let Some(content_type) = content_type.or_else(|| (!body.is_empty()).then_some(text)) {
            fields.insert(CONTENT_TYPE, content_type);
        }
    }
    let errors = failed.map(Failed::into_errors).unwrap_or_default();
    Response { status, headers: fields, body: ResponseBody::Full(body), errors }
}

/// The response with tokens for members.
pub(super) fn signed(signing: &Signing, result: Result) -> Response {
    let errors = result.failed.map(Failed::into_errors).unwrap_or_default();
    let data = match result.answer {
        Some(answer) if errors.is_empty() => match answer.data {
            Some(data) => signing.sign(data).map(Some),
            None => Some(None),
        },
        _ => None,
    };
    let Some(data) = data else {
        let body = ResponseBody::Full(Bytes::new());
        return Response { status: Signing::FAILED, headers: HeaderMap::new(), body, errors };
    };
    let encoded = Encoder::Json.encode(data, &HeaderMap::new());
    let headers = Signing::fields(encoded.content_type);
    Response { status: StatusCode::OK, headers, body: ResponseBody::Full(encoded.body), errors }
}

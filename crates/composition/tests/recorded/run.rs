//! A composition, run with the answers of a case.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use backstay_composition::*;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::case::{Case, body, text};
use crate::dialect;

/// Header fields as cases have them.
fn fields(headers: &HeaderMap) -> Value {
    let mut fields = BTreeMap::<&str, Vec<&str>>::new();
    for (name, value) in headers {
        fields.entry(name.as_str()).or_default().push(value.to_str().expect("a text"));
    }
    json!(fields)
}

fn headers(fields: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in fields.as_object().into_iter().flatten() {
        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
        for value in values {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(text(&value)).expect("a value"));
        }
    }
    headers
}

/// What a router makes of a path: the parameters of the endpoint's pattern, decoded.
fn parameters(pattern: &str, path: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'%' {
                let digits = [bytes.next().expect("a digit"), bytes.next().expect("a digit")];
                let digits = std::str::from_utf8(&digits).expect("digits").to_owned();
                out.push(u8::from_str_radix(&digits, 16).expect("digits"));
            } else {
                out.push(byte);
            }
        }
        String::from_utf8(out).expect("UTF-8")
    };
    let segments = pattern.split('/').zip(path.split('/'));
    let parameter = |(name, value): (&str, &str)| {
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        Some((name.to_owned(), decoded(value)))
    };
    segments.filter_map(parameter).collect()
}

pub(crate) fn compare(case: &Case) -> Result<(), String> {
    let plan = Arc::new(dialect::plan(case));
    let asked = text(&case.request["path"]);
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    let sent = text(&case.request["body"]);
    let request = Request {
        parameters: parameters(text(&case.endpoint["endpoint"]), path),
        headers: headers(&case.request["headers"]),
        query: query.to_owned(),
        client: client(case),
        host: HeaderValue::from_static("gateway.test"),
        body: if sent.is_empty() { RequestBody::Empty } else { RequestBody::Present },
    };
    let (mut composition, step) = Composition::start(plan, request);
    let mut calls = Vec::new();
    let mut bodies = BTreeMap::new();
    let mut response = None;
    let mut late = false;
    let mut steps = VecDeque::from([step]);
    while let Some(step) = steps.pop_front() {
        if step.response.is_some() {
            response = step.response;
        }
        for call in step.calls {
            calls.push(asked_of(&call, sent));
            let answer = answer(case, &call);
            if answer["late"] == true {
                late = true;
                continue;
            }
            if let Some(error) = answer["error"].as_str() {
                let url = format!("http://b{}", call.target);
                let error = format!("{} \"{url}\": {error}", capitalised(call.method.as_str()));
                steps.push_back(composition.on_error(call.id, CallError::Transport(error)));
                continue;
            }
            let status = answer["status"]
                .as_u64()
                .map_or(StatusCode::OK, |status| StatusCode::from_u16(status as u16).expect("a status"));
            let given = Bytes::from(body(&answer));
            bodies.insert(call.id, given.clone());
            let wanted = match composition.wanted(call.id, status) {
                Wanted::Body { limit } if given.len() <= limit => given,
                Wanted::Body { .. } => return Err("longer than wanted".to_owned()),
                Wanted::Head | Wanted::Stream => Bytes::new(),
            };
            let head = Head { status, headers: headers(&answer["headers"]), url: format!("http://b{}", call.target) };
            steps.push_back(composition.on_response(call.id, head, wanted));
        }
        if steps.is_empty() && response.is_none() && std::mem::take(&mut late) {
            steps.push_back(composition.on_deadline());
        }
    }
    let response = response.ok_or("there is no response")?;
    let given = match &response.body {
        ResponseBody::Full(body) => body.clone(),
        ResponseBody::Stream(call) => bodies.get(call).cloned().ok_or("nothing to stream")?,
    };
    same("status", &json!(response.status.as_u16()), &case.expected["status"])?;
    if given != body(&case.expected) {
        let expected = String::from_utf8_lossy(&body(&case.expected)).into_owned();
        return Err(format!("body\n     is {}\n not {expected}", String::from_utf8_lossy(&given)));
    }
    same("header fields", &fields(&response.headers), &case.expected["headers"])?;
    if let Some(expected) = case.expected["calls"].as_array() {
        calls.sort_by_key(|call| text(&call["target"]).to_owned());
        same("calls", &json!(calls), &json!(expected))?;
    }
    Ok(())
}

fn same(what: &str, is: &Value, expected: &Value) -> Result<(), String> {
    if is == expected { Ok(()) } else { Err(format!("{what}\n     is {is}\n    not {expected}")) }
}

fn capitalised(method: &str) -> String {
    let (first, rest) = method.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}

/// The client's address as a router takes it: what a forwarding header says first, else the connection's.
fn client(case: &Case) -> String {
    let forwarded = &case.request["headers"]["X-Forwarded-For"][0];
    let first = text(forwarded).split(',').next().unwrap_or_default().trim();
    if first.is_empty() { "192.0.2.7".to_owned() } else { first.to_owned() }
}

fn answer(case: &Case, call: &Call) -> Value {
    let path = call.target.split('?').next().unwrap_or_default();
    let known = case.backends.get(&call.target).or_else(|| case.backends.get(path));
    known.cloned().unwrap_or_else(|| json!({ "error": format!("no answer for {}", call.target) }))
}

/// A call as cases have it. The coding that the engine asks for is added there by the connection, after it was written down.
fn asked_of(call: &Call, sent: &str) -> Value {
    let mut headers = call.headers.clone();
    if call.undo_gzip {
        headers.remove(ACCEPT_ENCODING);
    }
    let mut asked = json!({ "method": call.method.as_str(), "target": call.target, "headers": fields(&headers) });
    if call.body != CallBody::Empty {
        asked["body"] = json!(sent);
    }
    asked
}

//! Answers.

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, AGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    COOKIE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VARY,
};

use crate::directives::Directives;
use crate::question::Question;

/// An answer of a server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// All of the body.
    pub body: Bytes,
}

/// An answer that is kept. It is never changed, but replaced.
#[derive(Debug)]
pub struct Stored {
    pub(crate) answer: Answer,
    /// What a request has to have in these fields for this to be its answer.
    pub(crate) selecting: Vec<(HeaderName, Vec<HeaderValue>)>,
    /// When it was asked for, and when it came.
    pub(crate) asked_at: SystemTime,
    pub(crate) came_at: SystemTime,
}

/// What an entry takes beside its bytes, about.
const OVERHEAD: usize = 320;

impl Stored {
    pub(crate) fn new(
        question: &Question<'_>,
        mut answer: Answer,
        (asked_at, came_at): (SystemTime, SystemTime),
    ) -> Self {
        leave_out_connection(&mut answer.headers);
        let selecting = selecting(&answer.headers)
            .into_iter()
            .map(|name| {
                let values = question.headers.get_all(&name).iter().cloned().collect();
                (name, values)
            })
            .collect();
        Self { answer, selecting, asked_at, came_at }
    }

    /// The answer, with its age (RFC 9111, 5.1).
    pub fn answer(&self, now: SystemTime) -> Answer {
        let mut answer = self.answer.clone();
        answer.headers.insert(AGE, HeaderValue::from(self.age(now).as_secs()));
        answer
    }

    /// Asks the server whether this is still so, instead of for all of it again (RFC 9111, 4.3.1).
    pub fn ask_whether_changed(&self, headers: &mut HeaderMap) {
        if let Some(etag) = self.answer.headers.get(ETAG) {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        if let Some(modified) = self.answer.headers.get(LAST_MODIFIED) {
            headers.insert(IF_MODIFIED_SINCE, modified.clone());
        }
    }

    /// Whether this is what a request is answered with.
    pub(crate) fn is_for(&self, headers: &HeaderMap) -> bool {
        self.selecting.iter().all(|(name, values)| headers.get_all(name).iter().eq(values.iter()))
    }

    /// This with what a `304` says (RFC 9111, 3.2): the fields that are not about the body or the connection.
    pub(crate) fn refreshed(&self, fields: &HeaderMap, times: (SystemTime, SystemTime)) -> Self {
        let mut fields = fields.clone();
        leave_out_connection(&mut fields);
        for about_the_body in [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE] {
            fields.remove(about_the_body);
        }
        let mut headers = self.answer.headers.clone();
        // An age is that of the answer that has it.
        headers.remove(AGE);
        for name in fields.keys() {
            headers.remove(name);
        }
        headers.extend(fields);
        let answer = Answer { headers, ..self.answer.clone() };
        Self { answer, selecting: self.selecting.clone(), asked_at: times.0, came_at: times.1 }
    }

    /// About how many bytes this takes.
    pub(crate) fn size(&self) -> usize {
        let fields: usize =
            self.answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        let selecting: usize = self.selecting.iter().flat_map(|(_, values)| values).map(|value| value.len() + 32).sum();
        self.answer.body.len() + fields + selecting + OVERHEAD
    }
}

/// The fields of requests that tell answers apart: those that the answer names, those with credentials unless it is for all, and
/// the codings that the client takes, if it is coded.
fn selecting(headers: &HeaderMap) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = Vec::new();
    let mut add = |name: HeaderName| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for value in headers.get_all(VARY) {
        let listed = value.to_str().unwrap_or_default().split(',');
        listed.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok()).for_each(&mut add);
    }
    if !Directives::of(headers).has("public") {
        add(AUTHORIZATION);
        add(COOKIE);
    }
    if headers.contains_key(CONTENT_ENCODING) {
        add(ACCEPT_ENCODING);
    }
    names
}

/// Leaves out what is about one connection alone (RFC 9110, 7.6.1).
fn leave_out_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        // What says that it is not to be kept stays said.
        .filter(|name| ![CACHE_CONTROL, VARY].contains(name))
        .collect();
    let always = [
        CONNECTION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in always.into_iter().chain(named) {
        headers.remove(name);
    }
}

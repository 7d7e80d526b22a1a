//! What clients are told when the proxy answers itself, in the words of both.

use crate::row::{Expected, differs};

/// The text for an upstream that failed before its answer, for this reason.
pub fn why(reason: &str) -> String {
    format!("upstream connect error or disconnect/reset before headers. reset reason: {reason}")
}

/// The same after further attempts.
pub fn why_again(reason: &str) -> String {
    format!("upstream connect error or disconnect/reset before headers. retried and the latest reset reason: {reason}")
}

/// What the access log says of it.
fn details(reason: &str) -> String {
    format!("upstream_reset_before_response_started{{{}}}", reason.replace(' ', "_"))
}

/// The answer with this status and flag when an upstream failed before its answer.
pub fn failure(answer: &str, reason: &str) -> &'static str {
    format!("{answer} {} {}", details(reason), why(reason)).leak()
}

/// The same after further attempts.
pub fn failure_again(answer: &str, reason: &str) -> &'static str {
    format!("{answer} {} {}", details(reason), why_again(reason)).leak()
}

/// Everything of a text that the proxy answers with, after status, flag and details.
pub fn text(answer: &str, text: &str) -> &'static str {
    format!("{answer}\ncontent-length: {}\ncontent-type: text/plain\ndate\n\n{text}", text.len()).leak()
}

/// Everything of the answer with this status and flag when an upstream failed before its answer.
pub fn whole_failure(answer: &str, reason: &str) -> &'static str {
    text(&format!("{answer} {}", details(reason)), &why(reason))
}

/// Everything of the answer to a call that the proxy has given up, with flag and details, code, and message if any.
pub fn status(flag: &str, code: u16, message: &str) -> Expected {
    let message = if message.is_empty() { String::new() } else { format!("grpc-message: {message}\n") };
    trailers_alone(&format!("200 {flag}\ncontent-type: application/grpc\ndate\n{message}grpc-status: {code}"))
}

/// An answer over HTTP/2 that has all of this and no body: what is in it are the trailers of a call. Envoy says when.
pub fn trailers_alone(answer: &str) -> Expected {
    let envoy: &'static str = answer.to_owned().leak();
    let backstay: &'static str = answer.replacen("\ndate", "", 1).leak();
    differs(
        envoy,
        backstay,
        "trailers of a call are what the upstream or the proxy says of the call, and clients hand them on",
    )
}

/// The same for a call whose upstream failed before its answer.
pub fn status_of_failure(flag: &str, reason: &str) -> Expected {
    status(&format!("{flag} {}", details(reason)), 14, &why(reason))
}

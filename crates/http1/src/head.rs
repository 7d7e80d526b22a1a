//! The head of an answer.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use httparse::{ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use crate::body::Decoder;
use crate::error::Error;

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub struct HeadLimits {
    /// Bytes, of the trailers too.
    pub max_size: usize,
    /// Header lines.
    pub max_headers: usize,
}

/// The head of an answer, and what it says about what follows.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) response: Response<()>,
    /// Another request may follow on the connection.
    pub(crate) keep_alive: bool,
    pub(crate) decoder: Decoder,
}

pub(crate) const TOO_LARGE: Error = Error::Head("it is larger than max_head_size");

/// Headers share the memory of what was read, if that is little: some are remembered for long.
const SHARED: usize = 4 << 10;
/// Header lines for which there is room without an allocation.
const LINES: usize = 100;

/// Parses the head of an answer to a request of `method` at the beginning of `input`. Ends with its length too; `None` if it
/// is not complete.
pub(crate) fn parse(input: &Bytes, method: &Method, limits: HeadLimits) -> Result<Option<(Head, usize)>, Error> {
    let mut few = [const { MaybeUninit::uninit() }; LINES];
    let mut many;
    let lines = match few.get_mut(..limits.max_headers) {
        Some(few) => few,
        None => {
            many = vec![MaybeUninit::uninit(); limits.max_headers];
            &mut many[..]
        }
    };
    let mut parsed = httparse::Response::new(&mut []);
    let length = match ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, input, lines) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(Error::Head(reason(error))),
    };
    if length > limits.max_size {
        return Err(TOO_LARGE);
    }
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let mut response = Response::new(());
    *response.status_mut() = status.ok_or(Error::Head("its status is none"))?;
    *response.version_mut() = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    if let Some(reason) = parsed.reason
        && Some(reason) != response.status().canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        response.extensions_mut().insert(reason);
    }
    *response.headers_mut() = headers(input, length, parsed.headers)?;
    let framing = Framing::of(response.headers());
    let keep_alive = match framing.connection {
        ConnectionToken::Close => false,
        ConnectionToken::KeepAlive => true,
        ConnectionToken::None => response.version() == Version::HTTP_11,
    };
    let (decoder, delimited) = decoder(&response, method, framing)?;
    Ok(Some((Head { response, keep_alive: keep_alive && delimited, decoder }, length)))
}

fn reason(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "the name of a header is invalid",
        httparse::Error::HeaderValue => "the value of a header is invalid",
        httparse::Error::NewLine => "a line ends with neither CRLF nor LF",
        httparse::Error::Status => "its status line is invalid",
        httparse::Error::Token => "it has invalid characters",
        httparse::Error::TooManyHeaders => "it has more lines than max_headers",
        httparse::Error::Version => "it is not of HTTP/1.0 or HTTP/1.1",
    }
}

/// The headers of `lines`, which are parts of `input`, of which the head is the first `length` bytes.
pub(crate) fn headers(input: &Bytes, length: usize, lines: &[httparse::Header<'_>]) -> Result<HeaderMap, Error> {
    let start = input.as_ptr().addr();
    let memory = match input.get(..length) {
        Some(head) if input.len() > SHARED => Bytes::copy_from_slice(head),
        _ => input.clone(),
    };
    let mut headers = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let name = name.map_err(|_| Error::Head("the name of a header is invalid"))?;
        let at = line.value.as_ptr().addr().wrapping_sub(start);
        // The value of an empty line may be anywhere.
        let value = if line.value.is_empty() { Bytes::new() } else { memory.slice(at..at + line.value.len()) };
        let value = HeaderValue::from_maybe_shared(value);
        headers.append(name, value.map_err(|_| Error::Head("the value of a header is invalid"))?);
    }
    Ok(headers)
}

/// What the endpoint wants done with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionToken {
    None,
    KeepAlive,
    Close,
}

/// What headers say about the body and the connection.
struct Framing {
    connection: ConnectionToken,
    coded: bool,
    length: Option<Result<u64, Error>>,
}

impl Framing {
    fn of(headers: &HeaderMap) -> Self {
        let mut framing = Self { connection: ConnectionToken::None, coded: false, length: None };
        for (name, value) in headers {
            match *name {
                header::CONNECTION => framing.connection = connection_token(framing.connection, value),
                header::TRANSFER_ENCODING => framing.coded = true,
                header::CONTENT_LENGTH => framing.length = Some(length(framing.length, value)),
                _ => {}
            }
        }
        framing
    }
}

/// What `value` makes of what earlier lines said: once one of them closes, none keeps.
fn connection_token(before: ConnectionToken, value: &HeaderValue) -> ConnectionToken {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).fold(before, |so_far, token| {
        if so_far == ConnectionToken::Close || token.eq_ignore_ascii_case(b"close") {
            ConnectionToken::Close
        } else if token.eq_ignore_ascii_case(b"keep-alive") {
            ConnectionToken::KeepAlive
        } else {
            so_far
        }
    })
}

/// The length that `value` says, which may be a list, and must agree with earlier lines (RFC 9112, 6.3).
fn length(before: Option<Result<u64, Error>>, value: &HeaderValue) -> Result<u64, Error> {
    let mut agreed = before.transpose()?;
    for element in value.as_bytes().split(|byte| *byte == b',') {
        let element = element.trim_ascii();
        let digits = !element.is_empty() && element.iter().all(u8::is_ascii_digit);
        let number = str::from_utf8(element).ok().filter(|_| digits).and_then(|digits| digits.parse().ok());
        let number: u64 = number.ok_or(Error::Head("its content-length is no number"))?;
        if agreed.is_some_and(|agreed| agreed != number) {
            return Err(Error::Head("it says two lengths"));
        }
        agreed = Some(number);
    }
    agreed.ok_or(Error::Head("its content-length is no number"))
}

/// How the body is read, and whether its end is to be seen without the end of the connection (RFC 9112, 6.3).
fn decoder(response: &Response<()>, method: &Method, framing: Framing) -> Result<(Decoder, bool), Error> {
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS || *method == Method::CONNECT && status.is_success() {
        return Ok((Decoder::Ended, false));
    }
    let bodyless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || *method == Method::HEAD;
    if bodyless {
        return Ok((Decoder::Ended, true));
    }
    if framing.coded {
        return match is_chunked(response.headers()) {
            _ if response.version() == Version::HTTP_10 => Err(Error::Head("HTTP/1.0 has no transfer codings")),
            true => Ok((Decoder::chunked(), true)),
            false => Ok((Decoder::UntilClose, false)),
        };
    }
    match framing.length.transpose()? {
        Some(length) => Ok((Decoder::of_length(length), true)),
        None => Ok((Decoder::UntilClose, false)),
    }
}

/// Whether the last coding is `chunked`. What else there is, whoever passes the answer on has to refuse.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(header::TRANSFER_ENCODING).iter().next_back();
    let last = last.and_then(|line| line.as_bytes().rsplit(|byte| *byte == b',').next());
    last.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests;

//! The path and the query of a call, out of what its pattern came to.

use super::percent::{decoded, percent};

/// Makes a request target: `text` up to a `#`, its query with `query` appended. Values are put into patterns as they are, so that one
/// with a `?` begins the query, one with a `#` ends the target, and a broken percent-encoding fails. What may not stand in a target
/// is percent-encoded. An error says what is wrong.
pub(crate) fn target(text: &str, query: &str) -> Result<String, String> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7F) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    let (path, own) = match text.split_once('?') {
        Some((path, own)) => (path, Some(own)),
        None => (text, None),
    };
    let mut out = String::with_capacity(text.len() + query.len() + 1);
    write_path(path, &mut out)?;
    match (own.unwrap_or_default(), query) {
        ("", "") => {
            if own.is_some() {
                out.push('?');
            }
        }
        (own, query) => {
            out.push('?');
            write_query(own, &mut out);
            if !own.is_empty() && !query.is_empty() {
                out.push('&');
            }
            out.push_str(query);
        }
    }
    Ok(out)
}

/// A path is sent as it is if everything in it may stand in one; otherwise all of it is decoded and encoded again.
fn write_path(path: &str, out: &mut String) -> Result<(), String> {
    let decoded = decoded(path).map_err(|part| format!("invalid URL escape {part:?}"))?;
    if path
        .bytes()
        .all(|byte| byte == b'%' || is_plain(byte) || matches!(byte, b'!' | b'\'' | b'(' | b')' | b'*' | b'[' | b']'))
    {
        out.push_str(path);
        return Ok(());
    }
    encode_path(&decoded, out);
    Ok(())
}

/// Writes a path that is not percent-encoded.
pub(crate) fn encode_path(path: &[u8], out: &mut String) {
    for &byte in path {
        if is_plain(byte) { out.push(char::from(byte)) } else { percent(byte, out) }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte)
}

/// A query is sent as it is, but for what would end the request line, and what may not stand in one (RFC 3986, 3.4).
pub(crate) fn write_query(query: &str, out: &mut String) {
    for byte in query.bytes() {
        if matches!(byte, 0x21..=0x7E) && !matches!(byte, b'"' | b'<' | b'>') {
            out.push(char::from(byte));
        } else {
            percent(byte, out);
        }
    }
}

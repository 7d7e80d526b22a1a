//! Strings as JSON writes them, the way Go's `encoding/json` reads and writes them: clients of the gateways that this engine
//! stands in for compare answers byte by byte.

use std::borrow::Cow;

/// What a byte does to the string that it stands in.
const PLAIN: u8 = 0;
const STOP: u8 = 1;

/// Bytes that end a run which is the same in the source, decoded, and written: all ASCII but controls, the quote, the backslash
/// and the three that are escaped for HTML. What is not ASCII ends a run as well, because it has to be looked at.
const CLASS: [u8; 256] = {
    let mut class = [PLAIN; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte >= 0x80 {
            class[byte] = STOP;
        }
        byte += 1;
    }
    class[b'"' as usize] = STOP;
    class[b'\\' as usize] = STOP;
    class[b'<' as usize] = STOP;
    class[b'>' as usize] = STOP;
    class[b'&' as usize] = STOP;
    class
};

/// The first position from `at` on that ends a plain run, or the length.
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let stops = stops_in(u64::from_le_bytes(*word));
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if CLASS[usize::from(byte)] == STOP {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// Eight bytes at once: the lowest bit that is set is of the first byte that ends a plain run. Above it there may be others that
/// mean nothing.
const fn stops_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    const fn equal(word: u64, byte: u8) -> u64 {
        let zero = word ^ (ONES * byte as u64);
        zero.wrapping_sub(ONES) & !zero
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    // Two and two of these differ in one bit: " and &, < and >.
    let quote_or_ampersand = equal(word | (ONES * 0x04), b'&');
    let angle = equal(word | (ONES * 0x02), b'>');
    (word | control | quote_or_ampersand | angle | equal(word, b'\\')) & HIGHS
}

/// Whether text with bytes beyond ASCII is written as it stands: UTF-8, without the two separators that JavaScript ends lines at.
pub(crate) fn written_as_is(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && !has_line_separator(text)
}

fn has_line_separator(text: &[u8]) -> bool {
    memchr::memchr_iter(0xE2, text).any(|at| matches!(text.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9])))
}

/// The text of a JSON string, from what stands between its quotes. The source has been checked for its grammar; what is not
/// UTF-8 becomes U+FFFD, a byte each, and so does half of a surrogate pair.
pub(crate) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() && std::str::from_utf8(raw).is_ok() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(&first) = rest.first() {
        if first == b'\\' {
            rest = unescape_one(rest, &mut out);
            continue;
        }
        let end = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        push_lossy(&mut out, run);
        rest = after;
    }
    Cow::Owned(out)
}

/// Decodes the escape at the start of `rest`, and returns what follows it.
fn unescape_one<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let plain = match rest.get(1) {
        Some(b'b') => 0x08,
        Some(b'f') => 0x0C,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return unescape_unicode(rest, out),
        Some(&other) => other,
        None => return &[],
    };
    out.push(plain);
    rest.get(2..).unwrap_or_default()
}

fn unescape_unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let after = rest.get(6..).unwrap_or_default();
    let unit = code_unit(rest).unwrap_or(0xFFFD);
    if let 0xD800..=0xDBFF = unit
        && let Some(low @ 0xDC00..=0xDFFF) = code_unit(after)
        && let Some(character) = char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    {
        push_char(out, character);
        return after.get(6..).unwrap_or_default();
    }
    push_char(out, char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

/// The number of `\uXXXX` at the start of `text`.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

fn push_char(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Appends `text`, with U+FFFD for every byte that is not part of UTF-8. (Rust's own lossy conversion has one for several.)
fn push_lossy(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            push_char(out, char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Writes `text` as a JSON string. What is not UTF-8 in it is written as the escape `\ufffd`, a byte each.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut from = 0;
    let mut at = plain_end(text, 0);
    while let Some(&byte) = text.get(at) {
        let taken = if byte < 0x80 {
            out.extend_from_slice(text.get(from..at).unwrap_or_default());
            write_escaped(out, byte);
            1
        } else {
            match multibyte(text, at) {
                Some(length) => {
                    let separator = length == 3 && matches!(text.get(at..at + 3), Some([0xE2, 0x80, 0xA8 | 0xA9]));
                    if !separator {
                        at = plain_end(text, at + length);
                        continue;
                    }
                    out.extend_from_slice(text.get(from..at).unwrap_or_default());
                    out.extend_from_slice(if text.get(at + 2) == Some(&0xA8) { b"\\u2028" } else { b"\\u2029" });
                    3
                }
                None => {
                    out.extend_from_slice(text.get(from..at).unwrap_or_default());
                    out.extend_from_slice(b"\\ufffd");
                    1
                }
            }
        };
        from = at + taken;
        at = plain_end(text, from);
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out.push(b'"');
}

fn write_escaped(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// The length of the UTF-8 sequence of several bytes at `at`, if it is one.
fn multibyte(text: &[u8], at: usize) -> Option<usize> {
    let length = match text.get(at)? {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    std::str::from_utf8(text.get(at..at + length)?).is_ok().then_some(length)
}

#[cfg(test)]
mod tests;

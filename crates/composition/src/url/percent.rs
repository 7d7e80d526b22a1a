//! Percent-encoding (RFC 3986, 2.1).

use std::borrow::Cow;

/// A text without its percent-encoding. The error is the part that is not encoded as it says: a percent sign, and what stands where two
/// hexadecimal digits should.
pub fn decoded(text: &str) -> Result<Cow<'_, [u8]>, String> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'%', bytes).is_none() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            out.push(byte);
            at += 1;
            continue;
        }
        let digits = (bytes.get(at + 1).and_then(|&digit| hex(digit)), bytes.get(at + 2).and_then(|&digit| hex(digit)));
        let (Some(high), Some(low)) = digits else {
            let shown = bytes.get(at..bytes.len().min(at + 3)).unwrap_or_default();
            return Err(String::from_utf8_lossy(shown).into_owned());
        };
        out.push(high << 4 | low);
        at += 3;
    }
    Ok(Cow::Owned(out))
}

/// What a hexadecimal digit stands for.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

/// Writes a byte, percent-encoded.
pub(super) fn percent(byte: u8, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

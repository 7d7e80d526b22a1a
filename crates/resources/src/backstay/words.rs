//! Words of HTTP.

use crate::field::{FieldPath, Findings};

/// Longest name of a header or cookie, in bytes.
const MAX_NAME: usize = 256;

/// A token, RFC 9110 section 5.6.2. Returns whether it is one.
pub(super) fn token(text: &str, path: &FieldPath, findings: &mut Findings) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !findings.text(path, text, MAX_NAME) {
        return false;
    }
    let sound = text.bytes().all(sound);
    if !sound {
        findings.invalid(path, text, "must consist of letters, digits and any of !#$%&'*+-.^_`|~");
    }
    sound
}

/// The name of a header, in any case.
pub(super) fn header_name(name: &str, path: &FieldPath, findings: &mut Findings) -> bool {
    token(name, path, findings)
}

//! What a key's members say.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::KeyIdentity;

/// Keys are written by many hands: padding is let pass.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A member that is text.
pub(crate) fn text<'k>(key: &'k Map<String, Value>, name: &str) -> Option<&'k str> {
    key.get(name)?.as_str()
}

/// A member that is bytes in base64url.
pub(crate) fn bytes(key: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text(key, name)?).ok()
}

/// What identifies a key, where that is told by `identity`.
pub(super) fn identity(key: &Map<String, Value>, identity: KeyIdentity) -> String {
    let id = text(key, "kid").unwrap_or_default();
    match identity {
        KeyIdentity::Id => id.to_owned(),
        KeyIdentity::Thumbprint => thumbprint(key),
        KeyIdentity::Both => format!("{id}{}", thumbprint(key)),
    }
}

/// The SHA-1 thumbprint in base64url. Some write it in hexadecimal digits first, since RFC 7517 does not say (4.8).
fn thumbprint(key: &Map<String, Value>) -> String {
    let Some(written) = bytes(key, "x5t") else { return String::new() };
    let is_hexadecimal = written.len() == 40 && written.iter().all(u8::is_ascii_hexdigit);
    let digest = if is_hexadecimal {
        let digit = |letter: &u8| char::from(*letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        written
            .chunks(2)
            .filter_map(|pair| match pair {
                [high, low] => Some(digit(high)? << 4 | digit(low)?),
                _ => None,
            })
            .collect()
    } else {
        written
    };
    URL_SAFE_NO_PAD.encode(digest)
}

//! A token as a client sends it, a line feed, and a key set as a provider answers with it. Whatever comes is read or refused, and no
//! token counts whose signature is not one of the keys'.

#![no_main]

use backstay_token::{Algorithm, KeyIdentity, KeySet, Unverified};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let Ok(text) = std::str::from_utf8(&input[..end]) else { return };
    let keys = input.get(end + 1..).and_then(|document| KeySet::read(document, KeyIdentity::Both).ok());
    let Ok(token) = Unverified::read(text) else { return };
    let Some(keys) = keys else { return };
    for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::PS384, Algorithm::ES256, Algorithm::EdDSA] {
        if let Ok(claims) = token.verify(algorithm, &keys) {
            assert!(token.is_signed_with(algorithm) && keys.has(&token.key(KeyIdentity::Both)));
            assert!(claims.members().len() <= text.len());
        }
    }
});

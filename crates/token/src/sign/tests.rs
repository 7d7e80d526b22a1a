use super::*;
use crate::{KeyIdentity, KeySet, Unverified};

const PRIVATE: &[u8] = include_bytes!("../fixtures/private.json");
const PUBLIC: &[u8] = include_bytes!("../fixtures/public.json");

#[test]
fn a_token_in_json_has_the_same_parts() {
    let signer = Signer::new(PRIVATE, "secret", Algorithm::HS256, Form::Json).unwrap();
    let token: Value = serde_json::from_str(&signer.sign(b"{}").unwrap()).unwrap();
    let part = |name: &str| token.get(name).and_then(Value::as_str).unwrap();
    let compact = format!("{}.{}.{}", part("protected"), part("payload"), part("signature"));
    let keys = KeySet::read(PUBLIC, KeyIdentity::Id).unwrap();
    assert!(Unverified::read(&compact).unwrap().verify(Algorithm::HS256, &keys).is_ok());
}

#[test]
fn a_key_that_cannot_sign_is_refused() {
    let new = |document: &[u8], id: &str, algorithm| Signer::new(document, id, algorithm, Form::Compact).err();
    assert_eq!(new(b"{}", "rsa", Algorithm::RS256), Some(SignerError::NoKeySet));
    assert_eq!(new(PRIVATE, "unknown", Algorithm::RS256), Some(SignerError::UnknownKey));
    assert_eq!(new(PRIVATE, "rsa", Algorithm::ES256), Some(SignerError::Unfit));
    assert_eq!(new(PRIVATE, "secret", Algorithm::RS256), Some(SignerError::Unfit));
    for (id, algorithm) in
        [("rsa", Algorithm::PS512), ("P-256", Algorithm::ES256), ("P-384", Algorithm::ES384), ("ed", Algorithm::EdDSA)]
    {
        assert_eq!(new(PUBLIC, id, algorithm), Some(SignerError::Unfit), "{id}: only the private key signs");
        assert_eq!(new(PRIVATE, id, algorithm), None, "{id}");
    }
}

use backstay_token::{Form, KeyIdentity, Signer};

use super::*;

const KEYS: &[u8] = br#"{"keys":[{"kty":"oct","kid":"a","k":"YSBzZWNyZXQgb2YgYXQgbGVhc3QgdGhpcnR5LXR3byBieXRlcw"}]}"#;

fn ring() -> KeyRing {
    KeyRing::new(KeySet::read(KEYS, KeyIdentity::Id).unwrap())
}

fn token(payload: &str) -> String {
    Signer::new(KEYS, "a", Algorithm::HS256, Form::Compact).unwrap().sign(payload.as_bytes()).unwrap()
}

#[test]
fn what_was_verified_is_remembered_with_its_algorithm() {
    let ring = ring();
    let token = token(r#"{"sub":"me"}"#);
    assert!(ring.remember(&token, Algorithm::HS256).is_none());
    let claims = ring.verify(&token, &Unverified::read(&token).unwrap(), Algorithm::HS256).unwrap();
    let known = ring.remember(&token, Algorithm::HS256).unwrap();
    assert!(Arc::ptr_eq(&claims, &known));
    assert!(ring.remember(&token, Algorithm::HS384).is_none());
    assert!(self::ring().remember(&token, Algorithm::HS256).is_none());
}

#[test]
fn what_is_refused_or_too_long_is_not_remembered() {
    let ring = ring();
    let good = token("{}");
    let bad = good.replace('.', ".e");
    assert!(ring.verify(&bad, &Unverified::read(&bad).unwrap(), Algorithm::HS256).is_err());
    assert!(ring.remember(&bad, Algorithm::HS256).is_none());
    let long = token(&format!(r#"{{"sub":"{}"}}"#, "a".repeat(MAX_REMEMBERED)));
    assert!(ring.verify(&long, &Unverified::read(&long).unwrap(), Algorithm::HS256).is_ok());
    assert!(ring.remember(&long, Algorithm::HS256).is_none());
}

use std::str::FromStr as _;

use proptest::prelude::*;

use super::*;
use crate::{Form, Signer};

const PRIVATE: &[u8] = include_bytes!("../fixtures/private.json");
const PUBLIC: &[u8] = include_bytes!("../fixtures/public.json");

fn keys() -> KeySet {
    KeySet::read(PUBLIC, KeyIdentity::Id).unwrap()
}

fn algorithm(name: &str) -> Algorithm {
    Algorithm::from_str(name).unwrap()
}

fn signed(name: &str, key: &str, payload: &str) -> String {
    Signer::new(PRIVATE, key, algorithm(name), Form::Compact).unwrap().sign(payload.as_bytes()).unwrap()
}

/// A token with this header, signed with the secret.
fn with_header(header: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a secret of at least thirty-two bytes, for these tests");
    let mark = ring::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mark))
}

fn verdict(token: &str, name: &str) -> Result<(), Refusal> {
    Unverified::read(token)?.verify(algorithm(name), &keys()).map(|_| ())
}

const ALGORITHMS: [(&str, &str); 12] = [
    ("HS256", "secret"),
    ("HS384", "secret"),
    ("HS512", "secret"),
    ("RS256", "rsa"),
    ("RS384", "rsa"),
    ("RS512", "rsa"),
    ("PS256", "rsa"),
    ("PS384", "rsa"),
    ("PS512", "rsa"),
    ("ES256", "P-256"),
    ("ES384", "P-384"),
    ("EdDSA", "ed"),
];

#[test]
fn what_is_signed_is_verified_with_its_algorithm_and_no_other() {
    for (name, key) in ALGORITHMS {
        let token = signed(name, key, r#"{"sub":"me"}"#);
        let read = Unverified::read(&token).unwrap();
        let claims = read.verify(algorithm(name), &keys()).unwrap();
        assert_eq!(claims.members().get("sub").and_then(Value::as_str), Some("me"), "{name}");
        for (other, _) in ALGORITHMS.iter().filter(|(other, _)| *other != name) {
            assert_eq!(read.verify(algorithm(other), &keys()), Err(Refusal::Algorithm), "{name} as {other}");
        }
    }
}

#[test]
fn a_changed_token_is_refused_wherever_it_was_changed() {
    for (name, key) in ALGORITHMS {
        let token = signed(name, key, r#"{"sub":"me"}"#);
        let payload = token.split('.').nth(1).unwrap();
        let other = token.replace(payload, &URL_SAFE_NO_PAD.encode(r#"{"sub":"we"}"#));
        assert_eq!(verdict(&other, name), Err(Refusal::Signature), "{name}");
        let (front, mark) = token.rsplit_once('.').unwrap();
        let changed: String = mark.chars().rev().collect();
        assert!(verdict(&format!("{front}.{changed}"), name).is_err(), "{name}");
        assert!(verdict(&format!("{front}."), name).is_err(), "{name}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    // The classic confusion: the text of a public key taken for the secret of HS256.
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"rsa"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode("{}"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, PUBLIC);
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, signed.as_bytes())));
    assert_eq!(verdict(&token, "RS256"), Err(Refusal::Algorithm));
    assert_eq!(verdict(&token, "HS256"), Err(Refusal::Signature));
}

#[test]
fn nothing_is_taken_for_a_token_that_is_not_one() {
    let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode("{}"));
    assert_eq!(verdict(&none, "HS256"), Err(Refusal::Algorithm));
    for (token, refusal) in [
        (String::new(), Refusal::Malformed("it does not have three parts")),
        ("a.b".to_owned(), Refusal::Malformed("it does not have three parts")),
        ("a.b.c.d".to_owned(), Refusal::Malformed("it does not have three parts")),
        ("!.b.c".to_owned(), Refusal::Malformed("its header is not base64url")),
        ("e30.e30.!".to_owned(), Refusal::Malformed("its signature is not base64url")),
        ("e30.e30".to_owned() + &".".repeat(MAX_TOKEN), Refusal::Malformed("it is too long")),
        (with_header(r#"{"alg":"HS256","kid":"secret","crit":["exp"]}"#), Refusal::Critical),
        (with_header(r#"{"alg":"HS256","kid":"secret","crit":[]}"#), Refusal::Critical),
        (with_header(r#"{"alg":"HS256","kid":"secret","b64":false}"#), Refusal::Critical),
        (
            with_header(r#"{"alg":"none","alg":"HS256","kid":"secret"}"#),
            Refusal::Malformed("its header is not an object"),
        ),
        (with_header(r#"{"alg":["HS256"],"kid":"secret"}"#), Refusal::Algorithm),
        (with_header(r#"{"alg":"HS256","kid":"another"}"#), Refusal::UnknownKey),
        (with_header(r#"{"alg":"HS256"}"#), Refusal::Signature),
        (with_header(r#""text""#), Refusal::Malformed("its header is not an object")),
    ] {
        assert_eq!(verdict(&token, "HS256"), Err(refusal), "{token}");
    }
    assert_eq!(verdict(&with_header(r#"{"alg":"HS256","kid":"secret","b64":true}"#), "HS256"), Ok(()));
}

#[test]
fn a_token_that_names_no_key_means_the_key_without_a_name() {
    let token = signed("HS256", "", "{}");
    let header = token.split('.').next().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(header).unwrap(), br#"{"alg":"HS256","kid":"","typ":"JWT"}"#);
    assert_eq!(verdict(&token, "HS256"), Ok(()));
}

#[test]
fn keys_are_named_by_what_the_configuration_says() {
    let header = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let token = format!("{}.e30.", header(r#"{"kid":"a","x5t":"b"}"#));
    let read = Unverified::read(&token).unwrap();
    assert_eq!(read.key(KeyIdentity::Id), "a");
    assert_eq!(read.key(KeyIdentity::Thumbprint), "b");
    assert_eq!(read.key(KeyIdentity::Both), "ab");
    let token = format!("{}.e30.", header(r#"{"kid":"a"}"#));
    let read = Unverified::read(&token).unwrap();
    assert_eq!((read.key(KeyIdentity::Thumbprint).as_ref(), read.key(KeyIdentity::Both).as_ref()), ("a", "aa"));
}

#[test]
fn a_payload_must_be_claims() {
    for (payload, refusal) in [
        ("null", Refusal::Malformed("its payload is not an object")),
        ("[]", Refusal::Malformed("its payload is not an object")),
        (r#"{"sub":"a","sub":"b"}"#, Refusal::Malformed("its payload is not an object")),
        (r#"{"a":{"b":1,"b":2}}"#, Refusal::Malformed("its payload is not an object")),
        (r#"{} {}"#, Refusal::Malformed("its payload is not an object")),
        (r#"{"exp":"soon"}"#, Refusal::Claim("exp")),
    ] {
        assert_eq!(verdict(&signed("HS256", "secret", payload), "HS256"), Err(refusal), "{payload}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.=-]{0,200}") {
        let _ = verdict(&text, "HS256");
    }

    #[test]
    fn no_header_panics(header in proptest::collection::vec(any::<u8>(), 0..100)) {
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        let _ = verdict(&token, "ES256");
    }
}

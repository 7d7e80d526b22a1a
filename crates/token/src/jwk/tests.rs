use super::*;

const PUBLIC: &[u8] = include_bytes!("../fixtures/public.json");

#[test]
fn keys_that_cannot_be_used_are_left_out() {
    let keys = KeySet::read(PUBLIC, KeyIdentity::Id).unwrap();
    assert_eq!((keys.len(), keys.left_out()), (6, 3));
    for id in ["rsa", "P-256", "P-384", "ed", "secret", ""] {
        assert!(keys.has(id), "{id}");
    }
    for id in ["x", "enc", "k1", "unknown"] {
        assert!(!keys.has(id), "{id}");
    }
}

#[test]
fn keys_are_found_by_their_thumbprints() {
    let thumbprint = "AAECAwQFBgcICQoLDA0ODxAREhM";
    let keys = KeySet::read(PUBLIC, KeyIdentity::Thumbprint).unwrap();
    assert!(keys.has(thumbprint) && !keys.has("rsa"));
    let keys = KeySet::read(PUBLIC, KeyIdentity::Both).unwrap();
    assert!(keys.has(&format!("rsa{thumbprint}")));
    let hexadecimal =
        br#"{"keys":[{"kty":"oct","k":"AA","x5t":"MDAwMTAyMDMwNDA1MDYwNzA4MDkwYTBiMGMwZDBlMGYxMDExMTIxMw"}]}"#;
    assert!(KeySet::read(hexadecimal, KeyIdentity::Thumbprint).unwrap().has(thumbprint));
}

#[test]
fn what_is_no_key_set_is_refused() {
    let read = |text: &str| KeySet::read(text.as_bytes(), KeyIdentity::Id);
    for text in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>", "{\"keys\":[]}x"] {
        assert_eq!(read(text), Err(KeySetError::NoKeySet), "{text}");
    }
    for text in [
        r#"{"keys":[]}"#,
        r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
        r#"{"keys":[{"kty":"oct","k":""}]}"#,
        r#"{"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]}"#,
        r#"{"keys":[{"kty":"oct","k":"AA","use":"enc"}]}"#,
        r#"{"keys":[{"kty":"oct","k":"AA","key_ops":["encrypt"]}]}"#,
    ] {
        assert_eq!(read(text), Err(KeySetError::Empty), "{text}");
    }
    let many = vec![r#"{"kty":"oct","k":"AA"}"#; MAX_KEYS + 1].join(",");
    assert_eq!(read(&format!(r#"{{"keys":[{many}]}}"#)), Err(KeySetError::TooMany));
    assert_eq!(read(&" ".repeat(MAX_KEY_SET + 1)), Err(KeySetError::TooLong));
}

#[test]
fn a_secret_is_not_shown() {
    let keys = KeySet::read(br#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, KeyIdentity::Id).unwrap();
    let shown = format!("{keys:?}");
    assert!(!shown.contains("115") && !shown.contains("c2VjcmV0"), "{shown}");
}

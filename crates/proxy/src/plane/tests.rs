use std::path::{Path, PathBuf};

use super::{Access, AccessError};

fn check(access: &Access, uri: &str, state: Option<&str>) -> Result<(), AccessError> {
    access.check(&uri.parse().unwrap(), state.map(Path::new))
}

#[test]
fn without_tls_nothing_is_shown_but_to_this_machine() {
    let token = Access { token: Some(PathBuf::from("token")), ..Access::default() };
    assert_eq!(check(&token, "http://127.0.0.1:18000", None), Ok(()));
    assert_eq!(check(&token, "http://[::1]:18000", None), Ok(()));
    assert_eq!(check(&token, "http://localhost:18000", None), Ok(()));
    let refused = Err(AccessError::TokenInClear("10.0.0.1".to_owned()));
    assert_eq!(check(&token, "http://10.0.0.1:18000", None), refused);
    assert_eq!(check(&token, "https://10.0.0.1:18000", None), Ok(()));
    assert_eq!(check(&Access::default(), "http://10.0.0.1:18000", None), Ok(()));
}

#[test]
fn what_belongs_to_tls_needs_it() {
    let ca = Access { authorities: Some(PathBuf::from("ca.pem")), ..Access::default() };
    assert_eq!(check(&ca, "http://127.0.0.1:1", None), Err(AccessError::Plain("--ca")));
    assert_eq!(check(&ca, "https://127.0.0.1:1", None), Ok(()));
    assert!(matches!(check(&ca, "ftp://127.0.0.1:1", None), Err(AccessError::Address(_))));
}

#[test]
fn a_join_token_needs_a_place_for_its_certificate() {
    let join = Access { join_token: Some(PathBuf::from("token")), ..Access::default() };
    assert_eq!(check(&join, "https://cp:1", None), Err(AccessError::NoStateDirectory));
    assert_eq!(check(&join, "https://cp:1", Some("state")), Ok(()));
    let both = Access { pair: Some((PathBuf::from("a"), PathBuf::from("b"))), ..join };
    assert_eq!(check(&both, "https://cp:1", Some("state")), Err(AccessError::TwoCertificates));
}

use std::sync::Arc;
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::UnixTime;

use super::{Authority, AuthorityError, request};
use crate::material::{Pair, certificates};
use crate::statement::Statement;

const DAY: Duration = Duration::from_secs(24 * 3600);
const URI: &str = "spiffe://backstay/fleet/edge";

fn trusts(authority: &Authority, chain: &str) -> bool {
    let roots = Arc::clone(authority.trust().unwrap().roots());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
    let chain = certificates(chain.as_bytes()).unwrap();
    verifier.verify_client_cert(&chain[0], &chain[1..], UnixTime::now()).is_ok()
}

#[test]
fn an_authority_that_was_kept_signs_as_before() {
    let authority = Authority::generate("test").unwrap();
    let kept = Authority::from_pem(authority.pem(), &authority.key_pem()).unwrap();
    let client = kept.client(URI, DAY).unwrap();
    assert!(trusts(&authority, &client.chain));
    assert!(!trusts(&Authority::generate("test").unwrap(), &client.chain));
    let pair = Pair::from_pem(client.chain.as_bytes(), client.key.as_bytes()).unwrap();
    assert_eq!(pair.statement.uris, [URI]);
    assert!(pair.statement.life() < DAY + Duration::from_secs(600));
}

#[test]
fn of_a_request_nothing_is_taken_but_its_key() {
    let authority = Authority::generate("test").unwrap();
    let (key, der) = request().unwrap();
    let chain = authority.answer(&der, URI, None, DAY).unwrap();
    assert!(trusts(&authority, &chain));
    Pair::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();

    // A request for an authority with the names of others.
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.subject_alt_names.push(rcgen::SanType::URI("spiffe://backstay/fleet/other".try_into().unwrap()));
    let der = params.serialize_request(&key).unwrap().der().to_vec();
    let chain = authority.answer(&der, URI, None, DAY).unwrap();
    let statement = Statement::of(&certificates(chain.as_bytes()).unwrap()[0]).unwrap();
    assert_eq!(statement.uris, [URI]);
    assert!(!statement.is_authority);
    assert_eq!(statement.common_name, None);
}

#[test]
fn a_request_that_does_not_prove_its_key_is_refused() {
    let authority = Authority::generate("test").unwrap();
    let (_, mut der) = request().unwrap();
    *der.last_mut().unwrap() ^= 1;
    assert!(matches!(authority.answer(&der, URI, None, DAY), Err(AuthorityError::Request)));
    assert!(matches!(authority.answer(b"nothing", URI, None, DAY), Err(AuthorityError::Request)));
}

#[test]
fn names_of_servers_may_be_addresses() {
    let authority = Authority::generate("test").unwrap();
    let pair = authority.server(&["localhost".to_owned(), "::1".to_owned()], DAY).unwrap();
    assert_eq!(pair.key.cert.len(), 2, "the leaf and its authority");
    let refused = authority.server(&["no\u{e9}l".to_owned()], DAY);
    assert!(matches!(refused, Err(AuthorityError::Name(_))));
}

#[test]
fn who_may_not_sign_is_no_authority() {
    let authority = Authority::generate("test").unwrap();
    let client = authority.client(URI, DAY).unwrap();
    assert!(matches!(Authority::from_pem(&client.chain, &client.key), Err(AuthorityError::NoAuthority)));
    let other = Authority::generate("test").unwrap();
    assert!(matches!(Authority::from_pem(authority.pem(), &other.key_pem()), Err(AuthorityError::Key)));
}

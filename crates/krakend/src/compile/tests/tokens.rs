//! Tokens: who must carry which, and what becomes one.

use std::collections::BTreeMap;

use backstay_proto::config::resource::Kind as Resource;
use backstay_proto::config::token_validation::{ClaimHeader, KeyId};
use backstay_proto::config::{TokenSigning, TokenValidation, key_set};

use super::*;

const KEYS: &str = r#"{"keys":[{"kty":"oct","kid":"a","k":"YSBzZWNyZXQgb2YgYXQgbGVhc3QgdGhpcnR5LXR3byBieXRlcw"}]}"#;

fn files() -> Files {
    Files::Given(BTreeMap::from([("keys.json".to_owned(), File::Content(KEYS.into()))]))
}

/// An endpoint with this component, in a service with those.
fn with(service: &str, component: &str) -> String {
    let endpoint = format!(
        r#"{{"endpoint": "/a", "extra_config": {{{component}}}, "input_headers": ["X-User"],
            "backend": [{{"url_pattern": "/", "host": ["http://b.test"]}}]}}"#
    );
    format!(r#"{{"version": 3, "extra_config": {{{service}}}, "endpoints": [{endpoint}]}}"#)
}

/// What the validator `options` compiles to, and what else proxies get.
fn validator_of(service: &str, options: &str) -> (TokenValidation, Compiled) {
    let text = with(service, &format!(r#""auth/validator": {options}"#));
    let (compiled, problems) = compiled(&text, files());
    let compiled = compiled.unwrap_or_else(|| panic!("{problems:?}"));
    let guards = rule(&compiled, "GET /a").guards.clone().unwrap();
    (guards.token.unwrap(), compiled)
}

fn validator(options: &str) -> TokenValidation {
    validator_of("", options).0
}

/// What is wrong with an endpoint that has this component.
fn faults(component: &str) -> Vec<String> {
    let (compiled, problems) = compiled(&with("", component), files());
    assert!(compiled.is_none(), "it is served");
    let faults = problems.iter().filter(|problem| problem.severity == Severity::Error);
    faults.map(|problem| problem.message.clone()).collect()
}

#[test]
fn keys_of_a_url_are_fetched_through_a_backend() {
    let (token, compiled) = validator_of(
        "",
        r#"{"alg": "RS256", "jwk_url": "https://idp.test:8443/a/keys?x=1", "cache": true, "failed_jwk_key_cooldown": "30s"}"#,
    );
    let Some(key_set::Source::Remote(remote)) = token.keys.clone().unwrap().source else { panic!("remote") };
    let reference = remote.backend.unwrap();
    assert_eq!(
        (reference.port, remote.authority.as_str(), remote.target.as_str()),
        (8443, "idp.test:8443", "/a/keys?x=1")
    );
    assert_eq!((remote.cache.unwrap().seconds, remote.cooldown.unwrap().seconds), (900, 30));
    let Resource::Backend(backend) = &compiled.resources[reference.backend.as_str()].resource else {
        panic!("a backend")
    };
    assert!(!backend.tls.as_ref().unwrap().skip_verification);
    // As KrakenD has it: Authorization, a cookie, a second for clocks.
    assert_eq!((token.header.as_str(), token.cookie.as_str(), token.leeway.unwrap().seconds), ("", "access_token", 1));
    assert_eq!((token.key_id(), token.log_refusals), (KeyId::Kid, false));
}

#[test]
fn a_host_of_keys_is_trusted_in_its_own_way() {
    let options = r#"{"alg": "RS256", "jwk_url": "https://b.test/keys", "disable_jwk_security": true}"#;
    let (token, compiled) = validator_of("", options);
    let Some(key_set::Source::Remote(remote)) = token.keys.unwrap().source else { panic!("remote") };
    let reference = remote.backend.unwrap().backend;
    let Resource::Backend(backend) = &compiled.resources[reference.as_str()].resource else { panic!("a backend") };
    assert!(backend.tls.as_ref().unwrap().skip_verification);
}

#[test]
fn options_become_what_tokens_must_say() {
    let token = validator(
        r#"{"alg": "HS256", "jwk_local_path": "./keys.json", "disable_jwk_security": true, "issuer": "me",
            "audience": ["x"], "roles": ["admin"], "roles_key": "realm.roles", "roles_key_is_nested": true,
            "scopes": ["read"], "scopes_key": "scope", "scopes_matcher": "all", "leeway": "3s", "cookie_key": "session",
            "auth_header_name": "X-Token", "key_identify_strategy": "kid_x5t", "operation_debug": true,
            "propagate_claims": [["sub", "x-user"], ["realm.roles", "X-User"]]}"#,
    );
    let Some(key_set::Source::Inline(document)) = token.keys.clone().unwrap().source else { panic!("inline") };
    assert_eq!(document, KEYS.as_bytes());
    assert_eq!((token.issuer.as_str(), token.audiences.as_slice()), ("me", &["x".to_owned()][..]));
    assert_eq!((token.roles_claim.as_str(), token.roles_nested), ("realm.roles", true));
    assert_eq!((token.scopes_claim.as_str(), token.all_scopes), ("scope", true));
    assert_eq!(
        (token.header.as_str(), token.cookie.as_str(), token.leeway.unwrap().seconds),
        ("X-Token", "session", 3)
    );
    assert_eq!((token.key_id(), token.log_refusals), (KeyId::KidX5t, true));
    let claim = |claim: &str, header: &str| ClaimHeader { claim: claim.to_owned(), header: header.to_owned() };
    assert_eq!(token.propagated, [claim("sub", "x-user"), claim("realm.roles", "X-User")]);
}

#[test]
fn where_krakend_takes_no_keys_nobody_comes_in() {
    for options in [
        r#"{"alg": "RS256", "jwk_url": "http://idp.test/keys"}"#,
        r#"{"alg": "RS256", "jwk_local_path": "keys.json"}"#,
        r#"{"alg": "RS256"}"#,
        r#"{"alg": "RS256", "jwk-url": "https://idp.test/keys"}"#,
    ] {
        assert_eq!(validator(options).keys, None, "{options}");
    }
    let plain = validator(r#"{"alg": "RS256", "jwk_url": "http://idp.test/keys", "disable_jwk_security": true}"#);
    assert!(plain.keys.is_some());
}

#[test]
fn options_are_read_in_any_case_so_that_none_is_missed() {
    let token =
        validator(r#"{"Alg": "RS256", "JWK_URL": "https://idp.test/keys", "Roles": ["admin"], "Issuer": "me"}"#);
    assert!(token.keys.is_some());
    assert_eq!(
        (token.roles, token.roles_claim, token.issuer),
        (vec!["admin".to_owned()], "roles".to_owned(), "me".to_owned())
    );
}

#[test]
fn the_cache_of_all_validators_makes_theirs_last() {
    let service = r#""auth/validator": {"shared_cache_duration": 3600}"#;
    let seconds = |options: &str| {
        let (token, _) = validator_of(service, options);
        let Some(key_set::Source::Remote(remote)) = token.keys.unwrap().source else { panic!("remote") };
        remote.cache.map(|cache| cache.seconds)
    };
    let url = r#""alg": "RS256", "jwk_url": "https://idp.test/keys""#;
    assert_eq!(seconds(&format!(r#"{{{url}, "cache": true, "cache_duration": 60}}"#)), Some(3600));
    assert_eq!(seconds(&format!(r#"{{{url}, "cache": true, "cache_duration": 7200}}"#)), Some(7200));
    assert_eq!(seconds(&format!("{{{url}}}")), None);
}

#[test]
fn what_cannot_be_read_opens_nothing() {
    let url = r#""jwk_url": "https://idp.test/keys""#;
    for (options, fault) in [
        (format!(r#"{{"alg": "none", {url}}}"#), "JOSE: unknown algorithm none"),
        (format!("{{{url}}}"), "JOSE: unknown algorithm "),
        (
            format!(r#"{{"alg": "ES512", {url}}}"#),
            "ES512 is not served, since there is no P-521 among the curves that are; ES384 is",
        ),
        (
            format!(r#"{{"alg": "RS256", "roles": "admin", {url}}}"#),
            "a list of texts is wanted here, and this is text: KrakenD cannot read the component with it",
        ),
        (
            format!(r#"{{"alg": "RS256", "cache": "true", {url}}}"#),
            "true or false is wanted here, and this is text: KrakenD cannot read the component with it",
        ),
        (
            format!(r#"{{"alg": "RS256", "jwk_fingerprints": ["x"], {url}}}"#),
            "certificates are not pinned: jwk_local_ca says whose certificates are trusted",
        ),
        (
            r#"{"alg": "RS256", "jwk_local_path": "none.json", "disable_jwk_security": true}"#.to_owned(),
            "the file \"none.json\" is not in spec.files",
        ),
    ] {
        let told = faults(&format!(r#""auth/validator": {options}"#));
        assert!(told.iter().any(|told| told.contains(fault)), "{options}: {told:?}");
    }
}

#[test]
fn members_are_signed_with_a_key_of_a_file() {
    let options = r#""auth/signer": {"alg": "HS256", "kid": "a", "jwk_local_path": "keys.json", "disable_jwk_security": true,
        "keys_to_sign": ["access_token"], "full": true}"#;
    let (compiled, problems) = compiled(&with("", options), files());
    let compiled = compiled.unwrap_or_else(|| panic!("{problems:?}"));
    let signing = compose(&compiled, "GET /a").signing.clone().unwrap();
    let TokenSigning { algorithm, key_id, members, full, .. } = signing;
    assert_eq!((algorithm.as_str(), key_id.as_str(), full), ("HS256", "a", true));
    assert_eq!(members, ["access_token"]);
}

#[test]
fn a_signer_without_a_key_of_its_own_is_refused() {
    for (options, fault) in [
        (
            r#"{"alg": "HS256", "kid": "a", "jwk_url": "https://idp.test/keys", "keys_to_sign": ["a"]}"#,
            "private keys are not fetched",
        ),
        (
            r#"{"alg": "HS256", "kid": "a", "jwk_local_path": "keys.json", "keys_to_sign": ["a"]}"#,
            "KrakenD has no key here",
        ),
        (
            r#"{"alg": "HS256", "kid": "b", "jwk_local_path": "keys.json", "disable_jwk_security": true}"#,
            "the key set has no key with that kid",
        ),
        (
            r#"{"alg": "RS256", "kid": "a", "jwk_local_path": "keys.json", "disable_jwk_security": true}"#,
            "the key set has a key with that kid that cannot sign",
        ),
    ] {
        let told = faults(&format!(r#""auth/signer": {options}"#));
        assert!(told.iter().any(|told| told.contains(fault)), "{options}: {told:?}");
    }
}

#[test]
fn revoked_tokens_are_looked_up_where_a_validator_is() {
    let service = r#""auth/revoker": {"N": 1000, "P": 0.001, "TTL": 60, "hash_name": "optimal", "port": 1234, "token_keys": ["jti"]}"#;
    let (token, compiled) = validator_of(service, r#"{"alg": "RS256", "jwk_url": "https://idp.test/keys"}"#);
    let revocation = token.revocation.unwrap();
    assert_eq!(
        (revocation.set.as_str(), revocation.claims),
        ("revocation/krakend:default:shop", vec!["jti".to_owned()])
    );
    let Resource::Revocations(set) = &compiled.resources[revocation.set.as_str()].resource else {
        panic!("revocations")
    };
    let filter = backstay_token::Filter::read(set.bits, set.hashes, &set.filter).unwrap();
    assert!(filter.has("jti-1") && !filter.has("jti-2"));
    // Without a revoker nothing is looked up.
    assert_eq!(validator(r#"{"alg": "RS256", "jwk_url": "https://idp.test/keys"}"#).revocation, None);
}

#[test]
fn credentials_of_a_backend_ask_its_token_endpoint() {
    let backend = r#"{"url_pattern": "/", "host": ["http://b.test"], "extra_config": {"auth/client-credentials":
        {"client_id": "me", "client_secret": "s", "token_url": "https://idp.test/token?a=b", "scopes": "one,two",
         "endpoint_params": {"audience": ["x"]}}}}"#;
    let text = with_endpoints(&format!(r#"{{"endpoint": "/a", "backend": [{backend}]}}"#));
    let (compiled, problems) = compiled(&text, files());
    let compiled = compiled.unwrap_or_else(|| panic!("{problems:?}"));
    let credentials = compose(&compiled, "GET /a").calls[0].credentials.clone().unwrap();
    let endpoint = credentials.token_endpoint.unwrap();
    assert_eq!((endpoint.authority.as_str(), credentials.token_path.as_str()), ("idp.test", "/token?a=b"));
    assert!(compiled.resources.contains_key(endpoint.backend.unwrap().backend.as_str()));
    assert_eq!((credentials.client_id.as_str(), credentials.scopes.as_str()), ("me", "one two"));
    assert_eq!(credentials.parameters["audience"].values, ["x"]);
}

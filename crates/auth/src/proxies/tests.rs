use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::{NotProved, Proxies, TrustDomain};
use crate::{CertificateAuthority, ClientCertificate, Denied, Digest, Peer, Tokens};
use backstay_resources::Timestamp;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

fn peer(uris: &[&str]) -> Peer {
    let certificate = ClientCertificate {
        common_name: None,
        organizations: Vec::new(),
        uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        not_after: at(1000),
        fingerprint: String::new(),
        authority: CertificateAuthority { clients: true, front_proxies: false },
    };
    Peer { address: SocketAddr::from(([192, 0, 2, 1], 1)), certificate: Some(Arc::new(certificate)) }
}

fn nobody() -> Peer {
    Peer { certificate: None, ..peer(&[]) }
}

#[test]
fn a_certificate_lets_join_the_fleet_that_it_names_and_no_other() {
    let proxies = Proxies::new(Tokens::any(), "backstay.example".parse().unwrap());
    let identify = |uris: &[&str]| proxies.identify(&peer(uris), None, at(0));
    let proxy = identify(&["spiffe://backstay.example/fleet/edge"]).unwrap();
    assert!(proxy.may_join("edge"));
    assert!(!proxy.may_join("other"));
    assert_eq!(proxy.fleet_of_certificate(), Some("edge"));
    for uri in [
        "spiffe://other.example/fleet/edge",
        "spiffe://backstay.example.evil/fleet/edge",
        "spiffe://backstay.example/fleet/",
        "spiffe://backstay.example/fleet/a/b",
        "spiffe://backstay.example/ns/edge",
        "https://backstay.example/fleet/edge",
    ] {
        assert!(matches!(identify(&[uri]), Err(NotProved::Uri { .. })), "{uri}");
    }
    let two = ["spiffe://backstay.example/fleet/edge", "spiffe://backstay.example/fleet/other"];
    assert_eq!(identify(&two).unwrap_err(), NotProved::Uris(2));
    assert_eq!(identify(&[]).unwrap_err(), NotProved::Uris(0));
}

#[test]
fn a_certificate_ends() {
    let proxies = Proxies::new(Tokens::any(), TrustDomain::default());
    let shown = peer(&["spiffe://backstay/fleet/edge"]);
    let proxy = proxies.identify(&shown, None, at(999)).unwrap();
    assert_eq!(proxies.again(&proxy, at(999)), Ok(()));
    assert_eq!(proxies.again(&proxy, at(1000)), Err(NotProved::Expired));
    assert_eq!(proxies.identify(&shown, None, at(1000)).unwrap_err(), NotProved::Expired);
}

async fn tokens(path: &Path, entries: &[(&str, &str)]) -> Tokens {
    let entry = |(token, fleets): &(&str, &str)| {
        format!("- {{name: {token}, sha256: {}, fleets: {fleets}}}\n", Digest::of(token))
    };
    std::fs::write(path, format!("tokens:\n{}", entries.iter().map(entry).collect::<String>())).unwrap();
    Tokens::of_file(path).await.unwrap()
}

#[tokio::test]
async fn a_token_lets_join_the_fleets_of_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    let tokens = tokens(&file, &[("one", "[edge, core]"), ("all", "['*']"), ("none", "[]")]).await;
    assert!(tokens.any_joins());
    let proxies = Proxies::new(tokens, TrustDomain::default());
    let identify = |token| proxies.identify(&nobody(), token, at(0));
    let one = identify(Some("one")).unwrap();
    assert!(one.may_join("edge") && one.may_join("core") && !one.may_join("other"));
    assert!(identify(Some("all")).unwrap().may_join("other"));
    assert!(!identify(Some("none")).unwrap().may_join("default"));
    assert_eq!(identify(Some("wrong")).unwrap_err(), NotProved::Token(Denied::Unknown));
    assert_eq!(identify(None).unwrap_err(), NotProved::Missing);
    // A bad token is not made good by a certificate.
    let both = proxies.identify(&peer(&["spiffe://backstay/fleet/edge"]), Some("wrong"), at(0));
    assert_eq!(both.unwrap_err(), NotProved::Token(Denied::Unknown));
    assert!(!format!("{one:?}").contains("token"), "{one:?}");
}

#[tokio::test]
async fn a_token_that_lost_a_fleet_is_not_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    let before = Proxies::new(tokens(&file, &[("one", "[edge, core]")]).await, TrustDomain::default());
    let proxy = before.identify(&nobody(), Some("one"), at(0)).unwrap();
    let after = Proxies::new(tokens(&file, &[("one", "[edge]")]).await, TrustDomain::default());
    assert!(after.again(&proxy, at(0)).is_err());
    assert!(before.again(&proxy, at(0)).is_ok());
}

#[test]
fn where_any_token_is_taken_by_apis_none_lets_a_proxy_join() {
    let proxies = Proxies::new(Tokens::any(), TrustDomain::default());
    assert_eq!(proxies.identify(&nobody(), Some("x"), at(0)).unwrap_err(), NotProved::NoTokens);
}

#[test]
fn trust_domains_are_checked() {
    for bad in ["", "UPPER", "a/b", "a b", &"x".repeat(256)] {
        assert!(bad.parse::<TrustDomain>().is_err(), "{bad:?}");
    }
    assert_eq!("a-b.c_1".parse::<TrustDomain>().unwrap().id_of("edge"), "spiffe://a-b.c_1/fleet/edge");
}

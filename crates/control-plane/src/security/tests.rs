use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use backstay_auth::{Digest, Tokens};

use super::{AccessOptions, AuthorityFrom, DoorFiles, ProxyAccounts, Security};

const LOOPBACK: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
const ANY: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

fn refusal(security: &Security, api: SocketAddr, xds: SocketAddr, tokens: &Tokens) -> String {
    // As a control plane starts.
    let certificates = security.api.client_authorities.is_some();
    let file = (!tokens.takes_any()).then(|| "tokens.yaml".into());
    let access = AccessOptions { certificates, tokens: file, ..AccessOptions::default() };
    security.check(api, xds, &access, tokens).map_or_else(|error| error.to_string(), |()| String::new())
}

async fn tokens(fleets: &str) -> Tokens {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    let digest = Digest::of("token");
    std::fs::write(&file, format!("tokens: [{{name: a, sha256: {digest}, fleets: {fleets}}}]")).unwrap();
    Tokens::of_file(&file).await.unwrap()
}

#[tokio::test]
async fn loopback_needs_nothing_and_others_need_both() {
    let plain = Security::default();
    let own = Security { authority: AuthorityFrom::Store, ..Security::default() };
    let none = Tokens::any();
    assert_eq!(refusal(&plain, LOOPBACK, LOOPBACK, &none), "");
    let said = refusal(&plain, ANY, LOOPBACK, &none);
    assert!(said.contains("--api 0.0.0.0:0") && said.contains("no TLS and authentication"), "{said}");
    assert!(refusal(&plain, ANY, LOOPBACK, &tokens("[]").await).contains("no TLS:"));
    assert!(refusal(&own, ANY, LOOPBACK, &none).contains("no authentication:"));
    assert_eq!(refusal(&own, ANY, ANY, &tokens("[]").await), "");
}

#[tokio::test]
async fn discovery_needs_something_that_is_bound_to_fleets() {
    let pair = || DoorFiles { pair: Some(("cert".into(), "key".into())), ..DoorFiles::default() };
    let tls = Security { xds: pair(), ..Security::default() };
    let said = refusal(&tls, LOOPBACK, ANY, &tokens("[]").await);
    assert!(said.contains("--xds 0.0.0.0:0") && said.contains("no authentication:"), "{said}");
    assert_eq!(refusal(&tls, LOOPBACK, ANY, &tokens("[edge]").await), "");
    let clients = DoorFiles { client_authorities: Some("ca".into()), ..pair() };
    let tls = Security { xds: clients, ..Security::default() };
    assert_eq!(refusal(&tls, LOOPBACK, ANY, &Tokens::any()), "");
    let listed = vec!["traffic/edge=edge".parse().unwrap()];
    let accounts = ProxyAccounts { listed, ..ProxyAccounts::default() };
    let tls = Security { xds: pair(), accounts, ..Security::default() };
    assert_eq!(refusal(&tls, LOOPBACK, ANY, &Tokens::any()), "");
}

#[test]
fn discovery_shows_the_certificate_of_the_api_and_not_the_other_way_round() {
    let pair = || DoorFiles { pair: Some(("cert".into(), "key".into())), ..DoorFiles::default() };
    let api = Security { api: pair(), ..Security::default() };
    assert!(api.api_is_tls() && api.xds_is_tls());
    let xds = Security { xds: pair(), ..Security::default() };
    assert!(!xds.api_is_tls() && xds.xds_is_tls());
}

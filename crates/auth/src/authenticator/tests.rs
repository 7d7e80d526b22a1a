use std::net::SocketAddr;

use http::{HeaderName, HeaderValue};

use super::*;
use crate::{CertificateAuthority, Digest};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

/// Of a client, but that `front` is a front proxy.
fn peer(common_name: Option<&str>) -> Peer {
    let is_front = common_name == Some("front");
    peer_of(common_name, CertificateAuthority { clients: !is_front, front_proxies: is_front })
}

fn peer_of(common_name: Option<&str>, authority: CertificateAuthority) -> Peer {
    let certificate = common_name.map(|name| {
        Arc::new(ClientCertificate {
            common_name: Some(name.to_owned()),
            organizations: vec!["staff".to_owned()],
            uris: Vec::new(),
            not_after: Timestamp::from_second(4_000_000_000),
            fingerprint: "ab".repeat(32),
            authority,
        })
    });
    Peer { address: SocketAddr::from(([192, 0, 2, 1], 999)), certificate }
}

async fn authenticator() -> Authenticator {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.yaml");
    let entry = |name: &str, rest: &str| format!("- {{name: {name}, sha256: {}, {rest}}}\n", Digest::of(name));
    let text = format!(
        "tokens:\n{}{}",
        entry("ci", "groups: [robots], uid: u1"),
        entry("old", "expires: 2001-01-01T00:00:00Z")
    );
    std::fs::write(&path, text).unwrap();
    let tokens = Some(Tokens::of_file(&path).await.unwrap());
    let front_proxies = Some(BTreeSet::from(["front".to_owned()]));
    Authenticator::new(AuthenticatorOptions { tokens, certificates: true, front_proxies, ..Default::default() })
}

#[tokio::test]
async fn a_certificate_that_a_connection_outlives_is_not_taken_any_more() {
    for name in ["ann", "front"] {
        let mut peer = peer(Some(name));
        let mut expired = (*peer.certificate.take().unwrap()).clone();
        expired.not_after = Timestamp::from_second(1);
        peer.certificate = Some(Arc::new(expired));
        let headers = headers(&[("x-remote-user", "eve")]);
        assert_eq!(authenticator().await.identify(Some(&peer), &headers).await, Err(Denied::Certificate));
    }
}

#[tokio::test]
async fn a_token_is_taken_from_either_header() {
    let authenticator = authenticator().await;
    for header in [("authorization", "Bearer ci"), ("authorization", "bearer  ci"), ("fastly-key", "ci")] {
        let user = authenticator.identify(None, &headers(&[header])).await.unwrap();
        assert_eq!((user.name.as_str(), user.uid.as_str(), user.credential), ("ci", "u1", Credential::Token));
        assert_eq!(user.groups, ["robots", AUTHENTICATED].map(str::to_owned).into());
        assert!(user.scopes.is_empty(), "groups alone say what it may do");
    }
    for (header, denied) in [
        (("authorization", "Bearer other"), Denied::Unknown),
        (("authorization", "Basic Y2k6"), Denied::Unknown),
        (("authorization", "Bearer "), Denied::Unknown),
        (("authorization", "Bearer old"), Denied::Expired),
    ] {
        assert_eq!(authenticator.identify(None, &headers(&[header])).await, Err(denied), "{header:?}");
    }
    // A bad token is not passed over for a good certificate.
    let both = authenticator.identify(Some(&peer(Some("ann"))), &headers(&[("authorization", "Bearer x")])).await;
    assert_eq!(both, Err(Denied::Unknown));
}

#[tokio::test]
async fn certificates_are_users_and_only_a_front_proxy_names_others() {
    let authenticator = authenticator().await;
    let named = headers(&[("x-remote-user", "bob"), ("x-remote-group", "ops"), ("x-remote-extra-scopes", "a")]);
    let ann = authenticator.identify(Some(&peer(Some("ann"))), &named).await.unwrap();
    assert_eq!((ann.name.as_str(), ann.credential), ("ann", Credential::Certificate));
    assert!(ann.is_in("staff") && !ann.is_in("ops"));
    let bob = authenticator.identify(Some(&peer(Some("front"))), &named).await.unwrap();
    assert_eq!((bob.name.as_str(), bob.credential), ("bob", Credential::FrontProxy));
    assert!(bob.is_in("ops") && bob.is_in(AUTHENTICATED) && !bob.is_in("staff"));
    assert_eq!(bob.extra["scopes"], ["a"]);
    let nobody = authenticator.identify(Some(&peer(None)), &named).await.unwrap();
    assert_eq!(*nobody, User::anonymous());
}

#[tokio::test]
async fn what_an_authority_is_for_is_what_its_certificates_are_good_for() {
    let named = headers(&[("x-remote-user", "bob")]);
    let of = |clients, front_proxies| CertificateAuthority { clients, front_proxies };
    let (some, any) = (Some(BTreeSet::from(["front".to_owned()])), Some(BTreeSet::new()));
    for (names, shown, authority, user) in [
        // The name of a front proxy is anybody's who has an authority of clients sign it.
        (&some, "front", of(true, false), "front"),
        (&some, "front", of(true, true), "bob"),
        (&some, "other", of(true, true), "other"),
        (&some, "other", of(false, true), crate::identity::ANONYMOUS),
        (&any, "other", of(false, true), "bob"),
        (&None, "front", of(false, true), crate::identity::ANONYMOUS),
    ] {
        let front_proxies = names.clone();
        let options = AuthenticatorOptions { certificates: true, front_proxies, ..Default::default() };
        let peer = peer_of(Some(shown), authority);
        let found = Authenticator::new(options).identify(Some(&peer), &named).await.unwrap();
        assert_eq!(found.name, user, "{names:?} {shown} {authority:?}");
    }
    // Who may name others, and names nobody, is nobody.
    let front = peer(Some("front"));
    assert_eq!(*authenticator().await.identify(Some(&front), &headers(&[])).await.unwrap(), User::anonymous());
}

#[tokio::test]
async fn an_address_waits_after_ten_failures_and_known_tokens_do_not() {
    let authenticator = authenticator().await;
    let (peer, wrong) = (peer(None), headers(&[("authorization", "Bearer wrong")]));
    for _ in 0..10 {
        assert_eq!(authenticator.identify(Some(&peer), &wrong).await, Err(Denied::Unknown));
    }
    assert_eq!(authenticator.identify(Some(&peer), &wrong).await, Err(Denied::TooMany));
    assert!(authenticator.identify(Some(&peer), &headers(&[("fastly-key", "ci")])).await.is_ok());
    let elsewhere = Peer { address: SocketAddr::from(([192, 0, 2, 2], 1)), ..peer };
    assert_eq!(authenticator.identify(Some(&elsewhere), &wrong).await, Err(Denied::Unknown));
}

#[test]
fn to_speak_for_others_needs_each_of_what_is_named() {
    let asked = headers(&[
        ("impersonate-user", "system:serviceaccount:shop:robot"),
        ("impersonate-group", "ops"),
        ("impersonate-uid", "7"),
        ("impersonate-extra-scopes", "view"),
    ]);
    let impersonation = Impersonation::of(&asked).unwrap().unwrap();
    let needs = impersonation.needs();
    let told: Vec<String> =
        needs.iter().map(|need| format!("{} {} {}", need.full_resource(), need.namespace, need.name)).collect();
    assert_eq!(told, ["serviceaccounts shop robot", "groups  ops", "uids  7", "userextras/scopes  view"]);
    assert!(impersonation.user().is_in("ops"));
    assert_eq!(Impersonation::of(&headers(&[("impersonate-group", "x")])), Err(ImpersonationError::NoUser));
    assert_eq!(Impersonation::of(&headers(&[("accept", "x")])), Ok(None));
    let account = Impersonation::of(&headers(&[("impersonate-user", "system:serviceaccount:shop:robot")]));
    assert!(account.unwrap().unwrap().user().is_in("system:serviceaccounts:shop"));
}

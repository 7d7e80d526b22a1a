use std::net::SocketAddr;
use std::sync::Arc;

use backstay_auth::{CertificateAuthority, ClientCertificate, Peer, Proxies, Tokens, TrustDomain};
use backstay_certificate::authority::request;
use backstay_certificate::{Authority, Pair};
use backstay_proto::join::join_service_server::JoinService as _;
use backstay_proto::join::{JoinRequest, RenewRequest};
use backstay_resources::Timestamp;
use backstay_store::Memory;
use tonic::{Code, Request};

use super::{Joining, LIFE};
use crate::doors::JoinTokens;

fn joining() -> (Joining, JoinTokens) {
    let tokens = JoinTokens::new(Arc::new(Memory::default()));
    let authority = Some(Arc::new(Authority::generate("test").unwrap()));
    (Joining { authority, domain: TrustDomain::default(), tokens: tokens.clone() }, tokens)
}

/// A request of a proxy that has shown a certificate with this URI.
fn renewing(uri: &str) -> (String, Request<RenewRequest>) {
    let certificate = ClientCertificate {
        common_name: None,
        organizations: Vec::new(),
        uris: vec![uri.to_owned()],
        not_after: Timestamp::from_second(Timestamp::now().0.as_second() + 60),
        fingerprint: String::new(),
        authority: CertificateAuthority::default(),
    };
    let peer = Peer { address: SocketAddr::from(([127, 0, 0, 1], 1)), certificate: Some(Arc::new(certificate)) };
    let proxies = Proxies::new(Tokens::any(), TrustDomain::default());
    let proxy = proxies.identify(&peer, None, Timestamp::now()).unwrap();
    let (key, certificate_request) = request().unwrap();
    let mut request = Request::new(RenewRequest { certificate_request: certificate_request.into() });
    request.extensions_mut().insert(Arc::new(proxy));
    (key, request)
}

#[tokio::test]
async fn a_certificate_is_for_the_fleet_of_the_token_and_renewed_for_that_of_the_certificate() {
    let (joining, tokens) = joining();
    let made = tokens.make("edge", 60, Timestamp::now()).await.unwrap();
    let (key, certificate_request) = request().unwrap();
    let asked = JoinRequest { token: made.token, certificate_request: certificate_request.into() };
    let answer = joining.join(Request::new(asked)).await.unwrap().into_inner();
    assert_eq!(answer.fleet, "edge");
    let pair = Pair::from_pem(answer.chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(pair.statement.uris, ["spiffe://backstay/fleet/edge"]);
    assert!(pair.statement.life() >= LIFE);

    let (key, request) = renewing("spiffe://backstay/fleet/edge");
    let answer = joining.renew(request).await.unwrap().into_inner();
    let pair = Pair::from_pem(answer.chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(pair.statement.uris, ["spiffe://backstay/fleet/edge"]);
}

#[tokio::test]
async fn a_request_that_cannot_be_signed_does_not_use_up_its_token() {
    let (joining, tokens) = joining();
    let made = tokens.make("edge", 60, Timestamp::now()).await.unwrap();
    let asked = JoinRequest { token: made.token.clone(), certificate_request: b"nothing".as_slice().into() };
    let refused = joining.join(Request::new(asked)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("certificate_request:"), "{refused}");
    assert_eq!(tokens.use_up(&made.token, Timestamp::now()).await.unwrap(), "edge");
}

#[tokio::test]
async fn who_shows_nothing_renews_nothing() {
    let (joining, _) = joining();
    let (_, mut request) = renewing("spiffe://backstay/fleet/edge");
    request.extensions_mut().clear();
    assert_eq!(joining.renew(request).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn without_an_authority_nothing_is_signed_and_that_is_said() {
    let (joining, _) = joining();
    let joining = Joining { authority: None, ..joining };
    let (_, request) = renewing("spiffe://backstay/fleet/edge");
    let refused = joining.renew(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("--authority"), "{refused}");
}

//! Compositions that make tokens, and calls that carry them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use backstay_proto::config::{self, CallTarget, ClientCredentials, TokenSigning, key_set};
use backstay_proxy::config::Action;
use backstay_token::{Algorithm, KeyIdentity, KeySet, Unverified};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::support::compose::{ComposeOf, get, listed};
use crate::support::{BackendOf, Proxy, Upstream, ask, until};

const KEYS: &str = r#"{"keys":[{"kty":"oct","kid":"a","k":"YSBzZWNyZXQgb2YgYXQgbGVhc3QgdGhpcnR5LXR3byBieXRlcw"}]}"#;

fn signing(members: &[&str]) -> TokenSigning {
    TokenSigning {
        keys: Some(config::KeySet { source: Some(key_set::Source::Inline(KEYS.as_bytes().to_vec().into())) }),
        algorithm: "HS256".into(),
        key_id: "a".into(),
        members: members.iter().map(|name| (*name).to_owned()).collect(),
        full: false,
    }
}

async fn answering(status: u16, body: &'static str) -> Upstream {
    Upstream::http1(move |_: Request<Incoming>| async move {
        Response::builder().status(status).body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
    })
    .await
}

async fn composed(action: Action) -> Proxy {
    let routes = crate::support::Routes::default();
    let matcher = backstay_proxy::route::Matcher::prefix("/");
    Proxy::start(routes.rule("", matcher, backstay_proxy::config::Filters::default(), action).build()).await
}

#[tokio::test]
async fn members_become_tokens_of_what_they_were() {
    let body =
        r#"{"refresh_token":{"exp":2},"other":"x","access_token":{"sub":"me","exp":99999999999,"n":1.50,"a":"<"}}"#;
    let upstream = answering(200, body).await;
    let compose = ComposeOf::new().call(get("a", "/"), &[upstream.address]);
    let compose = compose.with(|message| message.signing = Some(signing(&["access_token", "none", "other"])));
    let proxy = composed(compose.action()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json; charset=utf-8"));
    // As KrakenD has it, nothing else is said of it.
    assert_eq!((answer.header("x-made-by"), answer.header("x-completed")), ("", ""));
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&json["other"], &json["refresh_token"]["exp"]), (&"x".into(), &2.into()));
    let token = json["access_token"].as_str().unwrap();
    let keys = KeySet::read(KEYS.as_bytes(), KeyIdentity::Id).unwrap();
    let claims = Unverified::read(token).unwrap().verify(Algorithm::HS256, &keys).unwrap();
    assert_eq!(claims.members()["sub"], "me");
    // The payload is what Go would write: names sorted, numbers as they came.
    let payload = token.split('.').nth(1).unwrap();
    assert_eq!(payload, "eyJhIjoiXHUwMDNjIiwiZXhwIjo5OTk5OTk5OTk5OSwibiI6MS41MCwic3ViIjoibWUifQ");
}

#[tokio::test]
async fn what_fails_is_not_signed() {
    let upstream = answering(500, r#"{"access_token":{}}"#).await;
    let compose = ComposeOf::new().call(get("a", "/"), &[upstream.address]);
    let compose = compose.with(|message| message.signing = Some(signing(&["access_token"])));
    let answer = ask(composed(compose.action()).await.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (400, ""));
}

/// A token endpoint, and how often it was asked. It takes the secret in the form alone, if that is said.
async fn issuer(in_form: bool, asked: &Arc<AtomicUsize>) -> Upstream {
    let asked = Arc::clone(asked);
    Upstream::http1(move |request: Request<Incoming>| {
        let asked = Arc::clone(&asked);
        async move {
            let authorization = request.headers().get("authorization").cloned();
            assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/token"));
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let form = std::str::from_utf8(&body).unwrap().to_owned();
            let count = asked.fetch_add(1, SeqCst);
            let basic = authorization.is_some_and(|value| value == "Basic bWU6YSUyNmI=");
            let good = if in_form {
                form == "audience=x&client_id=me&client_secret=a%26b&grant_type=client_credentials&scope=one+two"
            } else {
                basic && form == "audience=x&grant_type=client_credentials&scope=one+two"
            };
            let (status, body) = match good {
                true => (200, format!(r#"{{"access_token":"t{count}","token_type":"bearer","expires_in":3600}}"#)),
                false => (401, r#"{"error":"invalid_client, s3cret"}"#.to_owned()),
            };
            Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap()
        }
    })
    .await
}

/// A composition whose call carries a token of `issuer`.
fn carrying(upstream: &Upstream, issuer: &Upstream) -> Action {
    let mut call = get("a", "/");
    let parameter = config::client_credentials::EndpointParameter { values: vec!["x".into()] };
    call.credentials = Some(ClientCredentials {
        client_id: "me".into(),
        client_secret: "a&b".into(),
        token_endpoint: Some(CallTarget {
            backend: Some(config::BackendRef { backend: "backend/issuer".into(), port: issuer.address.port().into() }),
            weight: 1,
            authority: issuer.address.to_string(),
            base_path: String::new(),
        }),
        token_path: "/token".into(),
        scopes: "one two".into(),
        parameters: [("audience".to_owned(), parameter)].into(),
    });
    let compose = ComposeOf::new().call(call, &[upstream.address]);
    let compose = compose.with(|message| message.headers = listed(&["authorization"]));
    compose.naming("backend/issuer", BackendOf::http1(&[issuer.address]).build()).action()
}

/// Answers with the token that it was sent.
async fn guarded() -> Upstream {
    Upstream::http1(|request: Request<Incoming>| async move {
        let sent = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
        Response::new(Full::new(Bytes::from(format!(r#"{{"sent":"{sent}"}}"#))))
    })
    .await
}

#[tokio::test]
async fn calls_carry_a_token_that_is_fetched_once() {
    for (in_form, expected) in [(false, 1), (true, 2)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let (upstream, issuer) = (guarded().await, issuer(in_form, &asked).await);
        let proxy = composed(carrying(&upstream, &issuer)).await;
        let asking: Vec<_> = (0..8)
            .map(|_| tokio::spawn(ask(proxy.address, Request::get("/").header("authorization", "the client's"))))
            .collect();
        for answer in asking {
            let sent = format!(r#"{{"sent":"Bearer t{}"}}"#, expected - 1);
            assert_eq!(answer.await.unwrap().text(), sent);
        }
        assert_eq!(asked.load(SeqCst), expected);
    }
}

#[tokio::test]
async fn without_a_token_the_call_fails_and_says_no_more_than_that() {
    let asked = Arc::new(AtomicUsize::new(0));
    let upstream = guarded().await;
    let issuer = Upstream::http1({
        let asked = Arc::clone(&asked);
        move |_: Request<Incoming>| {
            asked.fetch_add(1, SeqCst);
            async { Response::builder().status(403).body(Full::new(Bytes::from_static(b"s3cret"))).unwrap() }
        }
    })
    .await;
    let proxy = composed(carrying(&upstream, &issuer)).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, "oauth2: cannot fetch token: 403"));
    until(|| asked.load(SeqCst) == 2).await;
    assert_eq!(upstream.connections(), 0);
}

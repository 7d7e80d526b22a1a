//! Requests that must carry a token.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use backstay_limiter::Registry;
use backstay_model::{HostPattern, Revocations, Route, Slot};
use backstay_proto::config::token_validation::ClaimHeader;
use backstay_proto::config::{self, key_set, pattern_segment};
use backstay_proxy::config::{Action, Edits, Guards, Rule};
use backstay_proxy::counts::{Guard, ServerMetrics};
use backstay_proxy::route::Table;
use backstay_proxy::server::Options;
use backstay_proxy::tokens::{KeyRing, KeySource, KeyStore, Validator};
use backstay_token::{Algorithm, Form, Signer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::compose::{ComposeOf, get, literal};
use crate::support::guards::below;
use crate::support::{
    ANY_PORT, Answer, BackendOf, Proxy, Raw, Upstream, access_log, ask, echo, socket, soon, text, to, until,
};

/// A set of one key.
fn key(id: &str) -> String {
    format!(r#"{{"keys":[{{"kty":"oct","kid":"{id}","k":"YSBzZWNyZXQgb2YgYXQgbGVhc3QgdGhpcnR5LXR3byBieXRlcw"}}]}}"#)
}

/// A token with these claims, signed with the key `id`.
fn token(id: &str, claims: &str) -> String {
    let signer = Signer::new(key(id).as_bytes(), id, Algorithm::HS256, Form::Compact).unwrap();
    signer.sign(claims.as_bytes()).unwrap()
}

/// Wants a token that is verified with the key `a`.
fn wanted() -> config::TokenValidation {
    config::TokenValidation {
        keys: Some(config::KeySet { source: Some(key_set::Source::Inline(key("a").into_bytes().into())) }),
        algorithm: "HS256".into(),
        ..config::TokenValidation::default()
    }
}

/// Wants one that is verified with keys of a backend.
fn remote() -> config::TokenValidation {
    let remote = config::RemoteKeySet {
        backend: Some(config::BackendRef { backend: "backend/idp".into(), port: 80 }),
        authority: "idp.test".into(),
        target: "/keys?of=me".into(),
        cache: Some(prost_types::Duration { seconds: 900, nanos: 0 }),
        ..config::RemoteKeySet::default()
    };
    config::TokenValidation { keys: Some(config::KeySet { source: Some(key_set::Source::Remote(remote)) }), ..wanted() }
}

/// A rule for all requests.
struct Guarded {
    wanted: config::TokenValidation,
    revoked: Option<Arc<Slot<Revocations>>>,
    /// Where keys are.
    keys: Option<std::net::SocketAddr>,
    store: KeyStore,
}

impl Guarded {
    fn new(wanted: config::TokenValidation) -> Self {
        Self { wanted, revoked: None, keys: None, store: KeyStore::default() }
    }

    fn table(self, action: Action) -> Table {
        let message = config::Route {
            attachments: vec![config::Attachment { listener: "listener/n/g/l".into(), hostnames: vec![] }],
            rules: vec![config::Rule {
                matches: vec![config::Match { path: Some(below("/")), ..config::Match::default() }],
                guards: Some(config::Guards { token: Some(self.wanted), ..config::Guards::default() }),
                action: Some(config::rule::Action::Respond(config::Respond { status: 200, ..Default::default() })),
                ..config::Rule::default()
            }],
            ..config::Route::default()
        };
        let route = Route::try_from(&message).unwrap();
        let wanted = route.rules[0].token().unwrap().clone();
        let keys = match &wanted.keys {
            backstay_model::route::guards::Keys::None => KeySource::None,
            backstay_model::route::guards::Keys::Inline(keys) => KeySource::Here(KeyRing::new(keys.as_ref().clone())),
            backstay_model::route::guards::Keys::Remote(source) => KeySource::Remote {
                keys: self.store.get(source),
                backend: self.keys.map(|address| BackendOf::http1(&[address]).build()),
                port: self.keys.and_then(|address| std::num::NonZeroU16::new(address.port())),
            },
        };
        let limiters = Registry::new(16, Arc::default());
        let rule = Arc::new(Rule {
            route: "route/test".into(),
            name: "".into(),
            client_address: None,
            guards: route.rules[0].guards.as_ref().map(|guards| Guards::join(guards, &limiters)),
            calls: action.calls().map(|_| Arc::default()).collect(),
            passages: Box::default(),
            token: Some(Box::new(Validator { wanted, keys, revoked: self.revoked })),
            filters: Edits::default(),
            action,
        });
        let mut table = Table::builder();
        for candidate in route.candidates("listener/n/g/l", &HostPattern::Any, |_| Some(Arc::clone(&rule))) {
            table.candidate(candidate);
        }
        table.build()
    }
}

fn bearing(token: &str) -> http::request::Builder {
    Request::get("/").header("authorization", format!("Bearer {token}"))
}

async fn status(proxy: &Proxy, token: &str) -> u16 {
    ask(proxy.address, bearing(token)).await.status.as_u16()
}

#[tokio::test]
async fn who_carries_no_good_token_is_refused_without_a_word() {
    let metrics = Arc::new(ServerMetrics::default());
    let (log, lines) = access_log();
    let options = Options { metrics: Arc::clone(&metrics), access_log: Some(log), ..Options::default() };
    let wanted = config::TokenValidation {
        issuer: "me".into(),
        audiences: vec!["x".into()],
        roles: vec!["admin".into()],
        roles_claim: "realm.roles".into(),
        roles_nested: true,
        scopes: vec!["read".into()],
        scopes_claim: "scope".into(),
        ..wanted()
    };
    let proxy = Proxy::with(options, socket(ANY_PORT, Guarded::new(wanted).table(text(200, "ok")))).await;
    let with = |claims: &str| token("a", &format!(r#"{{"iss":"me","aud":["x","y"]{claims}}}"#));
    for (token, status, details) in [
        (String::new(), 401, "token_malformed"),
        ("a.b.c".into(), 401, "token_malformed"),
        (token("b", "{}"), 401, "token_unknown_key"),
        (token("a", "{}"), 401, "token_issuer"),
        (token("a", r#"{"iss":"me","aud":"y"}"#), 401, "token_audience"),
        (with(r#","exp":1"#), 401, "token_expired"),
        (with(r#","nbf":99999999999"#), 401, "token_not_yet"),
        (with(""), 403, "token_roles"),
        (with(r#","realm":{"roles":["viewer"]}"#), 403, "token_roles"),
        (with(r#","realm":{"roles":["admin"]}"#), 403, "token_scopes"),
        (with(r#","realm":{"roles":["admin"]},"scope":"read""#), 200, "direct_response"),
    ] {
        let answer = ask(proxy.address, bearing(&token)).await;
        assert_eq!(answer.status.as_u16(), status, "{details}");
        if status != 200 {
            assert_eq!((answer.text(), answer.header("content-type")), ("", ""));
        }
        assert_eq!(lines.next()["details"], details);
    }
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 401);
    assert_eq!(metrics.guards.get(Guard::Token), 11);
}

#[tokio::test]
async fn claims_become_headers_that_no_client_can_forge() {
    let upstream = Upstream::http1(echo).await;
    let propagated = [("sub", "x-user"), ("realm.roles", "x-roles"), ("none", "x-none")]
        .map(|(claim, header)| ClaimHeader { claim: claim.into(), header: header.into() });
    let wanted = config::TokenValidation { propagated: propagated.to_vec(), ..wanted() };
    let action = Action::Forward(to(&BackendOf::http1(&[upstream.address]).build(), upstream.address.port()));
    let proxy = Proxy::start(Guarded::new(wanted).table(action)).await;
    let token = self::token("a", r#"{"sub":"me","realm":{"roles":["a","b"]}}"#);
    let request = bearing(&token).header("x-user", "root").header("x-user", "admin").header("x-none", "forged");
    let answer = ask(proxy.address, request).await;
    let headers: Vec<_> =
        answer.text().lines().filter(|line| line.starts_with("x-") && !line.contains("-for")).collect();
    assert!(headers.contains(&"x-user: me") && headers.contains(&"x-roles: a,b") && headers.contains(&"x-none: "));
    assert!(!answer.text().contains("forged") && !answer.text().contains("root") && !answer.text().contains("admin"));
    let unsendable = self::token("a", r#"{"sub":"a\r\nx-evil: 1"}"#);
    assert_eq!(status(&proxy, &unsendable).await, 401);
}

#[tokio::test]
async fn what_is_revoked_does_not_count_from_then_on() {
    let revoked = Slot::new(Revocations::of(std::iter::empty::<&str>(), 1e-7));
    let revocation = config::Revocation { set: "revocation/s".into(), claims: vec!["jti".into()] };
    let wanted = config::TokenValidation { revocation: Some(revocation), ..wanted() };
    let known = Guarded { revoked: Some(Arc::clone(&revoked)), ..Guarded::new(wanted.clone()) };
    let proxy = Proxy::start(known.table(text(200, "ok"))).await;
    let (one, other) = (token("a", r#"{"jti":"1"}"#), token("a", r#"{"jti":"2"}"#));
    assert_eq!((status(&proxy, &one).await, status(&proxy, &other).await), (200, 200));
    revoked.store(Revocations::of(["jti-1"].into_iter(), 1e-7));
    assert_eq!((status(&proxy, &one).await, status(&proxy, &other).await), (401, 200));
    // What is revoked is not known: nothing counts.
    let unknown = Proxy::start(Guarded::new(wanted).table(text(200, "ok"))).await;
    assert_eq!(status(&unknown, &one).await, 401);
}

/// Where keys are: how often they were asked for, and which there are. Answers when there is a permit.
struct Provider {
    upstream: Upstream,
    asked: Arc<AtomicUsize>,
    keys: Arc<Mutex<(u16, String)>>,
    answers: Arc<Semaphore>,
}

impl Provider {
    async fn start() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let keys = Arc::new(Mutex::new((200, key("a"))));
        let answers = Arc::new(Semaphore::new(0));
        let (count, now, turn) = (Arc::clone(&asked), Arc::clone(&keys), Arc::clone(&answers));
        let upstream = Upstream::http1(move |request: Request<_>| {
            count.fetch_add(1, SeqCst);
            assert_eq!(
                (request.uri().to_string().as_str(), request.headers()["host"].as_bytes()),
                ("/keys?of=me", &b"idp.test"[..])
            );
            let (now, turn) = (Arc::clone(&now), Arc::clone(&turn));
            async move {
                turn.acquire().await.unwrap().forget();
                let (status, keys) = now.lock().unwrap().clone();
                Response::builder().status(status).body(Full::new(Bytes::from(keys))).unwrap()
            }
        })
        .await;
        Self { upstream, asked, keys, answers }
    }

    fn set(&self, status: u16, keys: impl Into<String>) {
        *self.keys.lock().unwrap() = (status, keys.into());
    }

    fn guarded(&self, wanted: config::TokenValidation) -> Guarded {
        Guarded { keys: Some(self.upstream.address), ..Guarded::new(wanted) }
    }
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_that_wait() {
    let provider = Provider::start().await;
    let metrics = Arc::new(ServerMetrics::default());
    let options = Options { metrics: Arc::clone(&metrics), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, provider.guarded(remote()).table(text(200, "ok")))).await;
    let token = token("a", "{}");
    let asking: Vec<_> = (0..8).map(|_| tokio::spawn(ask(proxy.address, bearing(&token)))).collect();
    until(|| metrics.tokens.waited.get() == 8).await;
    provider.answers.add_permits(1);
    for answer in asking {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    assert_eq!(status(&proxy, &token).await, 200);
    assert_eq!((provider.asked.load(SeqCst), metrics.tokens.fetched.get()), (1, 1));
    // One that names no such key does not ask again so soon, nor does what is no token at all.
    assert_eq!(status(&proxy, &self::token("b", "{}")).await, 401);
    assert_eq!(status(&proxy, "x.y.z").await, 401);
    assert_eq!(provider.asked.load(SeqCst), 1);
}

#[tokio::test]
async fn keys_that_cannot_be_had_refuse_until_they_can() {
    let provider = Provider::start().await;
    provider.answers.add_permits(100);
    let metrics = Arc::new(ServerMetrics::default());
    let options = Options { metrics: Arc::clone(&metrics), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, provider.guarded(remote()).table(text(200, "ok")))).await;
    let token = token("a", "{}");
    for (count, (status, keys)) in
        (1..).zip([(500, key("a")), (302, key("a")), (200, "<html>".into()), (200, "x".repeat(300 << 10))])
    {
        provider.set(status, keys);
        // Within the back-off nobody asks.
        soon(async {
            while metrics.tokens.fetches_failed.get() < count {
                assert_eq!(self::status(&proxy, &token).await, 401);
            }
        })
        .await;
    }
    provider.set(200, key("a"));
    soon(async { while status(&proxy, &token).await != 200 {} }).await;
    assert_eq!(metrics.tokens.fetched.get(), 1);
    assert_eq!(provider.asked.load(SeqCst), 5);
}

#[tokio::test]
async fn a_provider_that_refuses_connections_or_is_not_there_refuses_requests() {
    let (gone, address) = Raw::bind().await;
    drop(gone);
    let guarded = Guarded { keys: Some(address), ..Guarded::new(remote()) };
    let proxy = Proxy::start(guarded.table(text(200, "ok"))).await;
    assert_eq!(status(&proxy, &token("a", "{}")).await, 401);
    let nowhere = Proxy::start(Guarded::new(remote()).table(text(200, "ok"))).await;
    assert_eq!(status(&nowhere, &token("a", "{}")).await, 401);
    let none = Guarded::new(config::TokenValidation { keys: None, ..wanted() });
    assert_eq!(status(&Proxy::start(none.table(text(200, "ok"))).await, &token("a", "{}")).await, 401);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_end_the_fetch_of_others() {
    let provider = Provider::start().await;
    let metrics = Arc::new(ServerMetrics::default());
    let (log, lines) = access_log();
    let options = Options { metrics: Arc::clone(&metrics), access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, provider.guarded(remote()).table(text(200, "ok")))).await;
    let token = token("a", "{}");
    let mut first = TcpStream::connect(proxy.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\r\n");
    first.write_all(head.as_bytes()).await.unwrap();
    until(|| metrics.tokens.waited.get() == 1).await;
    let second = tokio::spawn(ask(proxy.address, bearing(&token)));
    until(|| metrics.tokens.waited.get() == 2).await;
    drop(first);
    assert_eq!(lines.next()["flags"], "DC");
    provider.answers.add_permits(1);
    let answer: Answer = second.await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(provider.asked.load(SeqCst), 1);
}

#[tokio::test]
async fn claims_in_paths_are_values_and_not_pieces_of_a_path() {
    let upstream = Upstream::http1(|request: Request<_>| async move {
        Response::new(Full::new(Bytes::from(format!(r#"{{"asked":"{}"}}"#, request.uri()))))
    })
    .await;
    let claim = |name: &str| config::PatternSegment { kind: Some(pattern_segment::Kind::Claim(name.into())) };
    let mut call = get("a", "/");
    call.pattern = vec![literal("/u/"), claim("sub"), literal("/"), claim("org.id"), literal("?q="), claim("sub")];
    let action = ComposeOf::new().call(call, &[upstream.address]).action();
    let proxy = Proxy::start(Guarded::new(wanted()).table(action)).await;
    for (claims, asked) in [
        (r#"{"sub":"me","org":{"id":7}}"#, "/u/me/7?q=me"),
        (
            r#"{"sub":"a/../b?x=1&y#z%41","org":{"id":"é"}}"#,
            "/u/a%2F..%2Fb%3Fx%3D1%26y%23z%2541/%C3%A9?q=a%2F..%2Fb%3Fx%3D1%26y%23z%2541",
        ),
    ] {
        let answer = ask(proxy.address, bearing(&token("a", claims))).await;
        assert_eq!(answer.text(), format!(r#"{{"asked":"{asked}"}}"#));
    }
    let answer = ask(proxy.address, bearing(&token("a", r#"{"sub":"..","org":{"id":1}}"#))).await;
    assert!(!answer.text().contains("/u/../"), "{}", answer.text());
}

#[tokio::test]
async fn expressions_on_claims_have_to_be_true() {
    let expressions = ["JWT.sub == 'me' && JWT.age >= 18.0", "!has(JWT.blocked)"].map(str::to_owned).to_vec();
    let wanted = config::TokenValidation { expressions, ..wanted() };
    let proxy = Proxy::start(Guarded::new(wanted).table(text(200, "ok"))).await;
    for (claims, expected) in [
        (r#"{"sub":"me","age":18}"#, 200),
        (r#"{"sub":"me","age":17}"#, 401),
        (r#"{"sub":"you","age":18}"#, 401),
        (r#"{"sub":"me"}"#, 401),
        (r#"{"sub":"me","age":"18"}"#, 401),
        (r#"{"sub":"me","age":18,"blocked":null}"#, 401),
    ] {
        assert_eq!(status(&proxy, &token("a", claims)).await, expected, "{claims}");
    }
}

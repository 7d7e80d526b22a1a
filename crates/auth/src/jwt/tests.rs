use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use backstay_token::{Form, Signer};
use serde_json::json;

use super::*;

const PRIVATE: &[u8] = include_bytes!("../../../token/src/fixtures/private.json");
const PUBLIC: &[u8] = include_bytes!("../../../token/src/fixtures/public.json");
const NOW: u64 = 1_800_000_000;

fn options() -> IssuerOptions {
    let [issuer, audience, username_claim, groups_claim] =
        ["https://login.example", "backstay", "sub", "groups"].map(str::to_owned);
    let prefix = || "oidc:".to_owned();
    IssuerOptions { issuer, audience, username_claim, groups_claim, username_prefix: prefix(), groups_prefix: prefix() }
}

fn claims() -> Value {
    json!({"iss": "https://login.example", "aud": ["x", "backstay"], "sub": "ann", "groups": ["staff"], "exp": NOW + 60})
}

fn signed(claims: &Value, algorithm: Algorithm, key: &str) -> String {
    Signer::new(PRIVATE, key, algorithm, Form::Compact).unwrap().sign(claims.to_string().as_bytes()).unwrap()
}

async fn issuer(options: IssuerOptions) -> Issuer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, PUBLIC).unwrap();
    Issuer::new(options, KeySource::File(path)).await.unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

async fn outcome(issuer: &Issuer, claims: &Value) -> Result<Arc<User>, Denied> {
    issuer.identify(&signed(claims, Algorithm::ES256, "P-256"), at(NOW)).await
}

#[tokio::test]
async fn a_good_token_is_a_user_with_prefixes_before_what_the_issuer_names() {
    let issuer = issuer(options()).await;
    let user = outcome(&issuer, &claims()).await.unwrap();
    assert_eq!(user.name, "oidc:ann");
    assert!(user.is_in("oidc:staff") && user.is_in(AUTHENTICATED) && user.scopes.is_empty());
    assert_eq!(user.expires.unwrap().0.as_second(), i64::try_from(NOW + 60).unwrap());
    for (algorithm, key) in [(Algorithm::RS256, "rsa"), (Algorithm::EdDSA, "ed")] {
        assert!(issuer.identify(&signed(&claims(), algorithm, key), at(NOW)).await.is_ok());
    }
}

#[tokio::test]
async fn clocks_may_be_a_minute_wrong_and_no_more() {
    let issuer = issuer(options()).await;
    let token = signed(&claims(), Algorithm::ES256, "P-256");
    assert!(issuer.identify(&token, at(NOW + 120)).await.is_ok());
    assert_eq!(issuer.identify(&token, at(NOW + 121)).await.unwrap_err(), Denied::Expired);
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    assert!(outcome(&issuer, &with("nbf", (NOW + 60).into())).await.is_ok());
    assert_eq!(outcome(&issuer, &with("nbf", (NOW + 61).into())).await, Err(Denied::Signed(Refusal::NotYet)));
}

#[tokio::test]
async fn what_is_not_the_issuers_is_not_taken() {
    let issuer = issuer(options()).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    let mut endless = claims();
    endless.as_object_mut().unwrap().remove("exp");
    for (claims, refusal) in [
        (with("iss", "https://other.example".into()), Refusal::Issuer),
        (with("aud", "other".into()), Refusal::Audience),
        (with("sub", "".into()), Refusal::Claim("username")),
        (with("sub", 7.into()), Refusal::Claim("sub")),
        (endless, Refusal::Claim("exp")),
    ] {
        assert_eq!(outcome(&issuer, &claims).await, Err(Denied::Signed(refusal)), "{claims}");
    }
    let symmetric = signed(&claims(), Algorithm::HS256, "secret");
    assert_eq!(issuer.identify(&symmetric, at(NOW)).await, Err(Denied::Signed(Refusal::Algorithm)));
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims().to_string()));
    assert_eq!(issuer.identify(&unsigned, at(NOW)).await, Err(Denied::Signed(Refusal::Algorithm)));
}

#[tokio::test]
async fn an_issuer_makes_no_users_and_groups_of_the_system() {
    let bare = IssuerOptions { username_prefix: String::new(), groups_prefix: String::new(), ..options() };
    let issuer = issuer(bare).await;
    let mut claims = claims();
    claims["groups"] = json!(["system:masters", "staff", "backstay:x"]);
    let user = outcome(&issuer, &claims).await.unwrap();
    assert_eq!(user.groups, [AUTHENTICATED, "staff"].map(str::to_owned).into());
    claims["sub"] = "system:anonymous".into();
    assert_eq!(outcome(&issuer, &claims).await, Err(Denied::Signed(Refusal::Claim("username"))));
}

#[derive(Debug, Default)]
struct Remote {
    asked: AtomicUsize,
}

impl FetchKeys for Remote {
    fn fetch(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + '_>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(PUBLIC.to_vec()) })
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_for_a_token_whose_key_is_not_known_and_not_too_often() {
    let remote = Arc::new(Remote::default());
    let issuer = Issuer::new(options(), KeySource::Remote(remote.clone())).await.unwrap();
    let asked = || remote.asked.load(Ordering::Relaxed);
    assert!(outcome(&issuer, &claims()).await.is_ok());
    assert!(outcome(&issuer, &claims()).await.is_ok());
    assert_eq!(asked(), 1, "they are kept");
    let other = {
        let mut document: Value = serde_json::from_slice(PRIVATE).unwrap();
        for key in document["keys"].as_array_mut().unwrap() {
            if key["kid"] == "P-256" {
                key["kid"] = "new".into();
            }
        }
        let signer = Signer::new(document.to_string().as_bytes(), "new", Algorithm::ES256, Form::Compact).unwrap();
        signer.sign(claims().to_string().as_bytes()).unwrap()
    };
    for _ in 0..5 {
        assert_eq!(issuer.identify(&other, at(NOW)).await, Err(Denied::Signed(Refusal::UnknownKey)));
    }
    assert_eq!(asked(), 1);
    tokio::time::advance(REFRESH_AT_MOST_EVERY).await;
    assert!(issuer.identify(&other, at(NOW)).await.is_err());
    assert_eq!(asked(), 2);
}

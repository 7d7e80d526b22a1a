use backstay_model::route::guards::RemoteKeySet;
use backstay_token::KeyIdentity;
use http::HeaderValue;
use tokio::time::advance;

use super::*;

fn remote() -> Arc<RemoteKeys> {
    RemoteKeys::new(RemoteKeySet {
        backend: "backend/idp".into(),
        port: None,
        authority: HeaderValue::from_static("idp"),
        target: "/keys".parse().unwrap(),
        identity: KeyIdentity::Id,
        cache: Duration::from_secs(100),
        cooldown: Duration::from_secs(10),
    })
}

fn set(id: &str) -> KeySet {
    KeySet::read(format!(r#"{{"keys":[{{"kty":"oct","kid":"{id}","k":"AAAA"}}]}}"#).as_bytes(), KeyIdentity::Id)
        .unwrap()
}

fn look(keys: &RemoteKeys, id: &str) -> Lookup {
    keys.look(id, Instant::now())
}

#[tokio::test(start_paused = true)]
async fn one_fetches_and_the_others_wait() {
    let keys = remote();
    assert!(matches!(look(&keys, "a"), Lookup::Missing));
    let (first, fetch) = keys.wait(Instant::now()).unwrap();
    let (second, none) = keys.wait(Instant::now()).unwrap();
    assert!(none.is_none() && keys.take_turn(Instant::now()).is_none());
    fetch.unwrap().finish(set("a"));
    for waiting in [first, second] {
        waiting.end().await;
    }
    assert!(matches!(look(&keys, "a"), Lookup::Ready(_)));
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_before_they_are_too_old_and_dead_ones_go() {
    let keys = remote();
    keys.take_turn(Instant::now()).unwrap().finish(set("old"));
    advance(Duration::from_secs(80)).await;
    assert!(matches!(look(&keys, "old"), Lookup::Ageing(_)));
    keys.take_turn(Instant::now()).unwrap().finish(set("new"));
    assert!(matches!(look(&keys, "old"), Lookup::Refused(Refusal::UnknownKey)));
    assert!(matches!(look(&keys, "new"), Lookup::Ready(_)));
    advance(Duration::from_secs(100)).await;
    assert!(matches!(look(&keys, "new"), Lookup::Missing), "what is too old verifies nothing");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_once_in_a_while() {
    let keys = remote();
    keys.take_turn(Instant::now()).unwrap().finish(set("a"));
    assert!(matches!(look(&keys, "b"), Lookup::Refused(Refusal::UnknownKey)));
    advance(Duration::from_secs(10)).await;
    assert!(matches!(look(&keys, "b"), Lookup::Missing));
    keys.take_turn(Instant::now()).unwrap().finish(set("a"));
    assert!(matches!(look(&keys, "b"), Lookup::Refused(Refusal::UnknownKey)));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_fails_is_tried_again_soon_and_keeps_what_there_is() {
    let keys = remote();
    let (waiting, fetch) = keys.wait(Instant::now()).unwrap();
    drop(fetch);
    waiting.end().await;
    assert_eq!(keys.wait(Instant::now()).unwrap_err(), NoWait::JustFailed);
    assert!(matches!(look(&keys, "a"), Lookup::Refused(Refusal::NoKeys)));
    assert!(keys.take_turn(Instant::now()).is_none());
    advance(BACK_OFF).await;
    assert!(matches!(look(&keys, "a"), Lookup::Missing));
    keys.take_turn(Instant::now()).unwrap().finish(set("a"));
    advance(Duration::from_secs(90)).await;
    drop(keys.take_turn(Instant::now()).unwrap());
    assert!(matches!(look(&keys, "a"), Lookup::Ageing(_)));
}

#[tokio::test(start_paused = true)]
async fn not_all_may_wait() {
    let keys = remote();
    let waiting: Vec<_> = (0..MAX_WAITING).map(|_| keys.wait(Instant::now()).unwrap()).collect();
    assert_eq!(keys.wait(Instant::now()).unwrap_err(), NoWait::Crowded);
    drop(waiting);
    advance(BACK_OFF).await;
    assert!(keys.wait(Instant::now()).is_ok());
}

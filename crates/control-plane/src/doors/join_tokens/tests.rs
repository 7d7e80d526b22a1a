use std::sync::Arc;

use backstay_resources::Timestamp;
use backstay_store::{Memory, Prefix, Store};

use super::{JoinTokenError, JoinTokens, PLACE, REMEMBERED, REVOKED, id_of, is_id};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

fn tokens() -> (Arc<dyn Store>, JoinTokens) {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    (store.clone(), JoinTokens::new(store))
}

#[tokio::test]
async fn a_token_is_good_once() {
    let (store, tokens) = tokens();
    let made = tokens.make("edge", 60, at(0)).await.unwrap();
    let stored: Vec<_> = store.snapshot().list(&Prefix::resource(PLACE)).cloned().collect();
    let text = format!("{stored:?}");
    assert!(!text.contains(&made.token), "the store has the hash alone");
    assert_eq!(tokens.use_up(&made.token, at(59)).await.unwrap(), "edge");
    assert!(matches!(tokens.use_up(&made.token, at(59)).await, Err(JoinTokenError::Used(when)) if when == at(59)));
}

#[tokio::test]
async fn what_is_revoked_is_good_for_nothing_until_no_certificate_of_it_can_hold() {
    let (store, tokens) = tokens();
    let (unused, used) = (tokens.make("edge", 60, at(0)).await.unwrap(), tokens.make("edge", 60, at(0)).await.unwrap());
    assert!(is_id(&unused.id) && unused.id == id_of(&unused.token) && !tokens.is_revoked(&unused.id));
    let mut told = tokens.revocations();
    tokens.use_up(&used.token, at(1)).await.unwrap();
    for made in [&unused, &used] {
        tokens.revoke(&made.id, at(2)).await.unwrap();
        assert!(tokens.is_revoked(&made.id));
        assert!(matches!(tokens.use_up(&made.token, at(3)).await, Err(JoinTokenError::Revoked)));
    }
    assert!(told.has_changed().unwrap() && !tokens.is_revoked("alice"));
    told.mark_unchanged();
    let count = || store.snapshot().list(&Prefix::resource(REVOKED)).count();
    tokens.make("edge", 60, at(REMEMBERED)).await.unwrap();
    assert_eq!(count(), 2);
    tokens.make("edge", 60, at(3 * REMEMBERED)).await.unwrap();
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn of_many_that_use_it_at_once_one_gets_it() {
    let (_, tokens) = tokens();
    let made = tokens.make("edge", 60, at(0)).await.unwrap();
    let tries = (0..8).map(|_| tokens.use_up(&made.token, at(1)));
    let done = futures::future::join_all(tries).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_token_ends_and_others_are_not_known() {
    let (_, tokens) = tokens();
    let made = tokens.make("edge", 60, at(0)).await.unwrap();
    assert!(matches!(tokens.use_up(&made.token, at(60)).await, Err(JoinTokenError::Expired(_))));
    assert!(matches!(tokens.use_up("other", at(0)).await, Err(JoinTokenError::Unknown)));
}

#[tokio::test]
async fn what_is_long_over_is_forgotten() {
    let (store, tokens) = tokens();
    let old = tokens.make("edge", 60, at(0)).await.unwrap();
    tokens.make("edge", 60, at(60 + REMEMBERED)).await.unwrap();
    assert_eq!(store.snapshot().list(&Prefix::resource(PLACE)).count(), 2);
    tokens.make("edge", 60, at(61 + REMEMBERED)).await.unwrap();
    assert_eq!(store.snapshot().list(&Prefix::resource(PLACE)).count(), 2);
    assert!(matches!(tokens.use_up(&old.token, at(61 + REMEMBERED)).await, Err(JoinTokenError::Unknown)));
}

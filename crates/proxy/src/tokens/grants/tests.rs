use tokio::time::advance;

use super::*;

fn take(grant: &Grant, answer: &str) -> Result<String, InvalidGrant> {
    grant.take(answer.as_bytes(), Instant::now()).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_token_is_carried_until_shortly_before_its_end() {
    let grant = Grant::default();
    assert_eq!(grant.token(Instant::now()), None);
    assert_eq!(take(&grant, r#"{"access_token":"a","token_type":"bearer","expires_in":60}"#), Ok("Bearer a".into()));
    advance(Duration::from_secs(49)).await;
    assert!(grant.token(Instant::now()).is_some_and(|value| value == "Bearer a" && value.is_sensitive()));
    advance(Duration::from_secs(1)).await;
    assert_eq!(grant.token(Instant::now()), None);
}

#[tokio::test(start_paused = true)]
async fn answers_are_read_as_they_come() {
    let grant = Grant::default();
    for (answer, outcome) in [
        (r#"{"access_token":"a"}"#, Ok("Bearer a")),
        (r#"{"access_token":"a","token_type":"MAC","expires_in":"60"}"#, Ok("MAC a")),
        (r#"{"access_token":"a","expires_in":1e99}"#, Ok("Bearer a")),
        (r#"{"access_token":""}"#, Err(InvalidGrant::Missing)),
        ("{}", Err(InvalidGrant::Missing)),
        ("<html>", Err(InvalidGrant::Answer)),
        (r#"{"access_token":"a\nb"}"#, Err(InvalidGrant::Unsendable)),
    ] {
        assert_eq!(take(&grant, answer), outcome.map(str::to_owned), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nobody_asks_for_a_moment() {
    let grant = Grant::default();
    grant.turn().await.fail(Instant::now(), "why".to_owned());
    assert_eq!(grant.turn().await.failure(Instant::now()), Some("why"));
    advance(BACK_OFF).await;
    assert_eq!(grant.turn().await.failure(Instant::now()), None);
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_grants_than_may_be() {
    let grants = Grants::default();
    let kept: Vec<_> = (0..MAX_GRANTS as u128).map(|identity| grants.of(identity)).collect();
    assert!(Arc::ptr_eq(&grants.of(7), &kept[7]));
    grants.of(u128::MAX).take(br#"{"access_token":"a"}"#, Instant::now()).unwrap();
    assert_eq!(grants.of(u128::MAX).token(Instant::now()), None);
    drop(kept);
    assert!(Arc::ptr_eq(&grants.of(u128::MAX), &grants.of(u128::MAX)));
}

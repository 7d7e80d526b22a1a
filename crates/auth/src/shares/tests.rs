use super::*;

fn shares(limit: usize) -> Shares {
    Shares::new(limit, 50, Duration::from_secs(1))
}

#[tokio::test(start_paused = true)]
async fn one_user_may_have_everything_while_nobody_else_wants_any() {
    let shares = shares(4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(shares.enter("greedy").await.unwrap());
    }
    assert_eq!(shares.enter("greedy").await.unwrap_err(), NoRoom);
    held.clear();
    assert!(shares.state().by_user.is_empty() && shares.state().open == 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_next_and_who_has_more_than_its_share_is_not() {
    let shares = shares(4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(shares.enter("greedy").await.unwrap());
    }
    let modest = shares.enter("modest");
    tokio::pin!(modest);
    assert!(futures::poll!(&mut modest).is_pending());
    held.pop();
    // The room is for the one that waits, although it has not run yet.
    assert_eq!(shares.enter("greedy").await.unwrap_err(), NoRoom);
    let modest = modest.await.unwrap();
    drop(modest);
    assert!(shares.enter("greedy").await.is_ok(), "nobody waits any more");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_in_time_and_leaves_nothing_behind() {
    let shares = shares(2);
    let held = [shares.enter("greedy").await.unwrap(), shares.enter("greedy").await.unwrap()];
    assert_eq!(shares.enter("modest").await.unwrap_err(), NoRoom);
    assert!(shares.state().waiting.is_empty());
    {
        let modest = shares.enter("modest");
        tokio::pin!(modest);
        assert!(futures::poll!(&mut modest).is_pending());
        // Granted, and given up before it was seen.
        drop(held);
    }
    assert!(shares.state().open == 0 && shares.state().by_user.is_empty(), "{shares:?}");
}

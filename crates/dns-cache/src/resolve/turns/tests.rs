use std::sync::Arc;
use std::time::Duration;

use super::*;

fn hold(turns: &Arc<Turns>) -> tokio::task::JoinHandle<Option<()>> {
    let turns = Arc::clone(turns);
    tokio::spawn(async move { turns.run(std::future::pending()).await })
}

#[tokio::test(start_paused = true)]
async fn places_held_for_ever_go_round() {
    let turns = Arc::new(Turns::new(2));
    let held: Vec<_> = (0..10).map(|_| hold(&turns)).collect();
    tokio::task::yield_now().await;
    // Nine are before it: a wait of at most five times the least for a place.
    let began = tokio::time::Instant::now();
    assert_eq!(turns.run(async { 7 }).await, Some(7));
    assert!(began.elapsed() <= LEAST * 5 + Duration::from_millis(50), "{:?}", began.elapsed());
    let gone = held.iter().filter(|held| held.is_finished()).count();
    assert_eq!(gone, 9, "the last but one still has its place: nobody wants it");
    assert_eq!(turns.wanted.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_goes_for_one_who_has_left_or_was_served() {
    let turns = Arc::new(Turns::new(1));
    let first = hold(&turns);
    tokio::task::yield_now().await;
    let second = hold(&turns);
    tokio::task::yield_now().await;
    second.abort();
    assert!(second.await.is_err());
    tokio::time::sleep(LEAST * 4).await;
    assert!(!first.is_finished());

    // One that ends by itself makes room, and the next is not driven out for it.
    let (turns, brief) = (Arc::new(Turns::new(1)), LEAST / 2);
    let work = {
        let turns = Arc::clone(&turns);
        tokio::spawn(async move { turns.run(tokio::time::sleep(brief)).await })
    };
    tokio::task::yield_now().await;
    let next = hold(&turns);
    assert_eq!(work.await.unwrap(), Some(()));
    tokio::time::sleep(LEAST * 4).await;
    assert!(!next.is_finished());
}

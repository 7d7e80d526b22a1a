use std::sync::Arc;
use std::time::Duration;

use super::*;

fn hold(permits: &Arc<PreemptiblePermits>) -> tokio::task::JoinHandle<Option<()>> {
    let permits = Arc::clone(permits);
    tokio::spawn(async move { permits.run(std::future::pending()).await })
}

#[tokio::test(start_paused = true)]
async fn permits_held_for_ever_go_round() {
    let permits = Arc::new(PreemptiblePermits::new(2));
    let held: Vec<_> = (0..10).map(|_| hold(&permits)).collect();
    tokio::task::yield_now().await;
    // Nine came before it, and wait behind it.
    let began = tokio::time::Instant::now();
    assert_eq!(permits.run(async { 7 }).await, Some(7));
    assert!(began.elapsed() <= LEAST + Duration::from_millis(50), "{:?}", began.elapsed());
    let gone = || held.iter().filter(|held| held.is_finished()).count();
    assert!(gone() <= 2, "{}", gone());
    // They have their turns all the same.
    tokio::time::sleep(LEAST * 6).await;
    assert_eq!(gone(), 8, "nobody wants the permits of the last two");
    assert_eq!(permits.0.wanted.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_goes_for_one_who_has_left_or_was_served() {
    let permits = Arc::new(PreemptiblePermits::new(1));
    let first = hold(&permits);
    tokio::task::yield_now().await;
    let second = hold(&permits);
    tokio::task::yield_now().await;
    second.abort();
    assert!(second.await.is_err());
    tokio::time::sleep(LEAST * 4).await;
    assert!(!first.is_finished());

    // One that ends by itself makes room, and the next is not driven out for it.
    let (permits, brief) = (Arc::new(PreemptiblePermits::new(1)), LEAST / 2);
    let work = {
        let permits = Arc::clone(&permits);
        tokio::spawn(async move { permits.run(tokio::time::sleep(brief)).await })
    };
    tokio::task::yield_now().await;
    let next = hold(&permits);
    assert_eq!(work.await.unwrap(), Some(()));
    tokio::time::sleep(LEAST * 4).await;
    assert!(!next.is_finished());
}

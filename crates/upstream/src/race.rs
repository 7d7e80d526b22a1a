//! Several ways to one place, tried so that one that does not answer costs little (RFC 8305, "happy eyeballs").

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

#[cfg(test)]
mod tests;

/// How long a way is tried before the next is tried beside it, as Envoy's.
const DELAY: Duration = Duration::from_millis(300);

/// Begins `attempts` one after the other, the next as soon as one has failed or the last has been tried for 300 ms, and
/// takes the first that succeeds. The others are dropped.
///
/// # Errors
/// `None` if there is nothing to try, else the error of the last that failed.
pub async fn race<T, E>(attempts: impl IntoIterator<Item: Future<Output = Result<T, E>>>) -> Result<T, Option<E>> {
    let mut waiting = attempts.into_iter();
    let mut running = FuturesUnordered::new();
    let mut failed = None;
    running.extend(waiting.next());
    let mut next = Instant::now() + DELAY;
    while !running.is_empty() {
        tokio::select! {
            biased;
            Some(ended) = running.next() => match ended {
                Ok(won) => return Ok(won),
                Err(error) => failed = Some(error),
            },
            // Once there are none left to begin, this does no harm and stops by itself with the last that runs.
            () = sleep_until(next) => {}
        }
        match waiting.next() {
            Some(attempt) => {
                running.push(attempt);
                next = Instant::now() + DELAY;
            }
            None => next += Duration::from_secs(3600),
        }
    }
    Err(failed)
}

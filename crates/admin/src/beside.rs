//! For services that are served beside these and are not about objects: pages, watches of what is observed, and refusals, in the way
//! that these have them.

use std::time::Duration;

use backstay_kube::{Failure, Operations};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http::Extensions;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::access::Access;
use crate::options::Options;
use crate::{deadline, paging, status};

/// How soon after a change the next one is told: changes come in bursts, of which the end is what matters.
const PACE: Duration = Duration::from_millis(50);

/// A refusal that names a field of the request.
#[must_use]
pub fn bad_field(field: &str, message: &str) -> Status {
    status::of(&Failure::bad_field(field, message), "")
}

/// Whether the caller of a request with these extensions may do something.
///
/// # Errors
/// Why not.
pub async fn check(extensions: &Extensions, access: &Access<'_>) -> Result<(), Status> {
    let proved = extensions.get::<backstay_auth::Caller>();
    access.check(proved).await.map_err(|failure| status::of(&failure, ""))
}

/// A page of what is in memory.
#[derive(Debug)]
pub struct Paged<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The token of the next page; empty on the last.
    pub next: String,
}

/// A page of `items`, which are sorted by `name`.
///
/// # Errors
/// When `size` is negative, or `token` is none that was given out.
pub fn page<T>(
    items: Vec<T>,
    size: i32,
    token: &str,
    options: &Options,
    name: fn(&T) -> &String,
) -> Result<Paged<T>, Status> {
    let size = paging::size(size, options).map_err(|failure| status::of(&failure, ""))?;
    let after = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let after = after.ok_or_else(|| bad_field("page_token", "is none that was given out"))?;
    let mut rest = items.into_iter().filter(|item| token.is_empty() || *name(item) > after);
    let items: Vec<T> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    let next = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(name(last)));
    Ok(Paged { items, next: next.unwrap_or_default() })
}

/// A watch of what is observed.
#[derive(Debug)]
pub struct Following<'a> {
    /// Changes whenever there may be something else to observe.
    pub moved: watch::Receiver<u64>,
    /// Ends the watch when it becomes true.
    pub stop: watch::Receiver<bool>,
    /// Whose limit of watches holds.
    pub operations: &'a Operations,
}

impl Following<'_> {
    /// What is observed, now and whenever that may have changed, until the client has waited long enough or the longest time of a watch
    /// is over.
    ///
    /// # Errors
    /// When there are as many watches as there may be, or the deadline cannot be read.
    pub fn states<T: Send + 'static>(
        self,
        metadata: &MetadataMap,
        observe: impl Fn() -> T + Send + 'static,
    ) -> Result<BoxStream<'static, Result<T, Status>>, Status> {
        let Self { moved, stop, operations } = self;
        let held = operations.hold_watch().map_err(|failure| status::of(&failure, ""))?;
        let longest = operations.options().watch_timeout.end;
        let deadline = deadline::of(&metadata.clone().into_headers())?.filter(|deadline| *deadline < longest);
        let end = Instant::now() + deadline.unwrap_or(longest);
        let running = Running { moved, stop, observe, begun: false, end, late: deadline.is_some(), _held: held };
        let states = stream::unfold(Some(running), |running| async move {
            let mut running = running?;
            match running.next().await {
                Some(Ok(state)) => Some((Ok(state), Some(running))),
                Some(Err(status)) => Some((Err(status), None)),
                None => None,
            }
        });
        Ok(states.boxed())
    }
}

struct Running<F, H> {
    moved: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    observe: F,
    begun: bool,
    end: Instant,
    /// Whether the end is one that the client has set.
    late: bool,
    _held: H,
}

impl<T, F: Fn() -> T, H> Running<F, H> {
    async fn next(&mut self) -> Option<Result<T, Status>> {
        if std::mem::replace(&mut self.begun, true) {
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stops| *stops) => return None,
                () = sleep_until(self.end) => return self.late.then(|| Err(deadline::passed())),
                moved = self.moved.changed() => moved.ok()?,
            }
            sleep(PACE).await;
        }
        self.moved.mark_unchanged();
        Some(Ok((self.observe)()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_to_the_last() {
        let items = || ["a", "b", "c"].map(str::to_owned).to_vec();
        let options = Options::default();
        let first = page(items(), 2, "", &options, |name| name).unwrap();
        assert_eq!(first.items, ["a", "b"]);
        let second = page(items(), 2, &first.next, &options, |name| name).unwrap();
        assert_eq!((second.items, second.next.as_str()), (vec!["c".to_owned()], ""));
        assert!(page(items(), 2, "!", &options, |name| name).is_err());
    }
}

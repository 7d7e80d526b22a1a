//! Which control plane is next, and when.

use std::time::Duration;

use rand::rngs::SmallRng;
use tokio::time::{Instant, sleep, timeout};

use super::link::resolve;
use super::places::Memory;
use super::{Backoff, Disconnect, Link, Options, Place};

/// Dials one control plane after another: those that are named in their order, the addresses of a name in any. One that has failed is
/// left out until it is forgotten or all have failed; then it is time to wait, and all are tried again.
#[derive(Debug)]
pub struct Dialer {
    options: Options,
    memory: Memory,
    backoff: Backoff,
    rng: SmallRng,
    /// How long those that failed want to be left alone.
    pushback: Duration,
}

/// A connection, and where it leads.
#[derive(Debug)]
pub struct Dialed {
    /// The connection.
    pub link: Link,
    /// Where it leads.
    pub place: Place,
}

impl Dialer {
    /// For the control planes of these options.
    pub fn new(options: Options) -> Self {
        Self {
            memory: Memory::new(options.failure_memory),
            backoff: Backoff::new(options.backoff_base, options.backoff_max),
            rng: rand::make_rng(),
            pushback: Duration::ZERO,
            options,
        }
    }

    /// Where it dials, and as whom.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Connects to the next control plane.
    ///
    /// # Errors
    /// Why it cannot be reached; what [`failed`](Self::failed) says is to be waited for then.
    pub async fn dial(&mut self) -> Result<Dialed, (Place, Disconnect)> {
        let place = self.next().await;
        match Link::open(&self.options, &place).await {
            Ok(link) => Ok(Dialed { link, place }),
            Err(cause) => Err((place, cause)),
        }
    }

    /// A place did not serve, or serves no more. Returns how long to wait before another is dialled: not at all, as long as there is one
    /// that has not failed.
    pub async fn failed(&mut self, place: &Place, cause: &Disconnect) -> Duration {
        self.memory.failed(place, Instant::now());
        let pushback = cause.retry_after().unwrap_or_default().min(self.options.backoff_max);
        self.pushback = self.pushback.max(pushback);
        if self.fresh().await.is_some() {
            return Duration::ZERO;
        }
        self.memory.forget();
        self.backoff.next(&mut self.rng).max(std::mem::take(&mut self.pushback))
    }

    /// One serves: the next wait is a short one again.
    pub fn served(&mut self) {
        self.backoff.reset();
        self.pushback = Duration::ZERO;
    }

    /// Dials until a connection is there, for as long as that takes.
    pub async fn until_connected(&mut self) -> Dialed {
        loop {
            match self.dial().await {
                Ok(dialed) => return dialed,
                Err((place, cause)) => {
                    let wait = self.failed(&place, &cause).await;
                    tracing::debug!(%cause, ?wait, "a control plane cannot be reached");
                    sleep(wait).await;
                }
            }
        }
    }

    async fn next(&mut self) -> Place {
        if let Some(place) = self.fresh().await {
            return place;
        }
        self.memory.forget();
        let first = self.options.endpoint.clone();
        self.fresh().await.unwrap_or(Place { endpoint: first, address: None })
    }

    /// The first place that has not failed.
    async fn fresh(&mut self) -> Option<Place> {
        let endpoints: Vec<_> =
            std::iter::once(&self.options.endpoint).chain(&self.options.fallbacks).cloned().collect();
        for endpoint in endpoints {
            // What cannot be resolved is a place without an address: dialling it tells why.
            let addresses = timeout(self.options.connect_timeout, resolve(&endpoint)).await;
            let addresses = addresses.ok().and_then(Result::ok).unwrap_or_default();
            if let Some(place) = self.memory.choose(&endpoint, &addresses, Instant::now(), &mut self.rng) {
                return Some(place);
            }
        }
        None
    }
}

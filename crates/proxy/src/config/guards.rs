//! What requests have to pass, joined with what counts them.

use std::sync::Arc;
use std::time::Instant;

use backstay_limiter::{Bucket, Clients, Registry};
use backstay_model::route::guards::{self, RequestLimit, Sharing};
use xxhash_rust::xxh3::xxh3_64;

/// What requests of a rule have to pass.
#[derive(Debug)]
pub struct Guards {
    /// As it is configured.
    pub checked: Arc<guards::Guards>,
    /// The limits of it, each with what it counts by.
    pub limits: Box<[Limit]>,
    /// From when limits count time.
    pub origin: Instant,
}

/// A limit, and what it counts by.
#[derive(Debug)]
pub struct Limit {
    /// As it is configured.
    pub checked: Arc<RequestLimit>,
    /// What it counts by.
    pub limiting: Limiting,
}

/// What a limit counts by.
#[derive(Debug)]
pub enum Limiting {
    /// One bucket.
    Everyone(Arc<Bucket>),
    /// A bucket for each client, by what this limit is called there.
    Clients(Arc<Clients>, u64),
}

impl Guards {
    /// What is configured, with what `limiters` has for the limits of it: they count on, whatever else has changed.
    #[must_use]
    pub fn join(checked: &Arc<guards::Guards>, limiters: &Registry) -> Arc<Self> {
        let limits = checked.limits.iter().map(|limit| {
            let limiting = match limit.sharing {
                Sharing::Everyone => Limiting::Everyone(limiters.bucket(&limit.key, limit.rate)),
                _ => Limiting::Clients(Arc::clone(limiters.clients()), xxh3_64(limit.key.as_bytes())),
            };
            Limit { checked: Arc::clone(limit), limiting }
        });
        Arc::new(Self { limits: limits.collect(), checked: Arc::clone(checked), origin: limiters.origin() })
    }
}

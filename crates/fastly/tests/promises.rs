//! The API over a store in memory, as a client sees it: a file for each promise.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "promises/client.rs"]
mod client;
#[path = "promises/deleted.rs"]
mod deleted;
#[path = "promises/limits.rs"]
mod limits;
#[path = "promises/sdks.rs"]
mod sdks;

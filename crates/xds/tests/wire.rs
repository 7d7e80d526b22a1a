//! Both sides of the protocol over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "wire/bulk.rs"]
mod bulk;
#[path = "wire/client.rs"]
mod client;
#[path = "wire/codec.rs"]
mod codec;
#[path = "wire/garbage.rs"]
mod garbage;
#[path = "wire/plane.rs"]
mod plane;
#[path = "wire/proxy.rs"]
mod proxy;
#[path = "wire/raw.rs"]
mod raw;
#[path = "wire/server.rs"]
mod server;
#[path = "wire/world.rs"]
mod world;

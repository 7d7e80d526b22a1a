//! TLS to clients: a ready-made rustls configuration. That to endpoints is in [`backstay_upstream::tls`].

mod server;

pub use server::{ServerNames, server_config};

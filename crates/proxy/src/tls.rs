//! TLS on both sides: ready-made rustls configurations.

mod client;
mod provider;
mod server;

pub(crate) use client::client_tls;
pub use client::{ClientOptions, ClientTls, Trust, client_config};
pub use provider::{TlsError, system_roots};
pub use server::{ServerNames, server_config};

//! TLS to endpoints: ready-made rustls configurations (`client`, `provider`), and the stream (`stream`).

mod client;
mod provider;
mod stream;

pub use client::{ClientOptions, ClientTls, Trust, client_config, client_tls};
pub use provider::{TlsError, provider, system_roots};
pub use stream::TlsStream;

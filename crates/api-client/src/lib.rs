//! How an API server is reached: what a kubeconfig says of it, the credential that goes with each request, and connections with TLS.
//!
//! # Layout
//!
//! - [`address`]: where a server is. [`kubeconfig`]: files that say so, as kubectl has them.
//! - [`credential`]: who is told to have sent a request; `exec`: programs that say it.
//! - [`connect`]: connections, with TLS where the address asks for it. [`client`]: requests over them.
//! - [`error`]: what goes wrong.

pub mod address;
pub mod client;
pub mod connect;
pub mod credential;
pub mod error;
mod exec;
pub mod kubeconfig;

pub use self::address::Address;
pub use self::client::ApiServer;
pub use self::connect::{Connector, Protocol};
pub use self::credential::{Credential, Secret};
pub use self::error::Error;
pub use self::kubeconfig::{Kubeconfig, Target};

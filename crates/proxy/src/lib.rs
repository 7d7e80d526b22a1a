//! The data plane: serves traffic as its configuration says.
//!
//! # Layout
//!
//! - [`config`]: what the request path runs on, already validated.
//! - [`route`]: which rule serves a request.
//! - [`server`]: listening sockets, connections from clients, and the threads that serve them.
//! - `forward`, `filter`, `upstream`: the way of a request to an endpoint and back.
//! - [`access`]: the access log.

pub mod access;
pub mod config;
mod filter;
mod forward;
pub mod route;
pub mod server;
mod upstream;

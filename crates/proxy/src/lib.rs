//! The data plane: serves traffic as its configuration says.
//!
//! # Layout
//!
//! - [`config`]: what the request path runs on, already validated.
//! - [`route`]: which rule serves a request.

pub mod config;
pub mod route;

//! A stock Envoy is served what the proxy of this project is served: it starts, follows changes under load, refuses and recovers.

mod follows;
mod grpc;
mod process;
mod serves;

use process::Envoy;

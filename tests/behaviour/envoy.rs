//! A stock Envoy is served what the proxy of this project is served: it starts, follows changes under load, refuses and recovers, over TLS
//! as without, and whichever of its streams it asks on.

mod apart;
mod fares;
mod follows;
mod grpc;
mod hosts;
mod process;
mod secured;
mod serves;

use process::Envoy;

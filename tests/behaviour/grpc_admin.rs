//! The gRPC API does what REST does: the same objects, the same refusals, the same limits.

mod client;
mod client_status;
mod differential;
mod refusals;
mod status;
mod tools;
mod watching;
mod web;

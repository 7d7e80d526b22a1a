//! Pools without a socket: endpoints are in memory, at the other end of a pipe.

pub(crate) mod memory;
mod pools;

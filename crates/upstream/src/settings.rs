//! What pools are held to.

use std::cell::Cell;

use backstay_http1::HeadLimits;
use tokio::time::Instant;

/// What pools are held to, beside what each backend says.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of an answer that an endpoint may send on one stream of HTTP/2 before they are read.
    pub stream_window: u32,
    /// How large the head of an answer may be, of either version of HTTP.
    pub head: HeadLimits,
    /// Connections of HTTP/1.1 to one endpoint that a thread keeps unused; 0 keeps none.
    pub max_idle: usize,
}

/// What everything on a thread is built with.
#[derive(Debug)]
pub(crate) struct ThreadContext<C> {
    pub(crate) connector: C,
    pub(crate) settings: Settings,
    /// Time of the last sweep: exact enough for idle timeouts, and free.
    pub(crate) clock: Cell<Instant>,
}

//! Endpoint selection: which endpoint of a backend takes the next request.
//!
//! State belongs to one thread, as everything on the request path does: threads begin at different places, so that together
//! they spread requests as evenly as each of them alone.

mod round_robin;

pub use round_robin::{RoundRobin, at};

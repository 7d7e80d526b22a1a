//! Answers that are kept, so that the same need not be asked again, as RFC 9111 has it for a private cache. Decisions and memory: whoever
//! runs it asks the server, and tells the time.
//!
//! One cache serves many clients, which a private cache is not for. So what is sent with credentials, in `Authorization` or `Cookie`, is
//! answered from what was answered to the same credentials, unless the answer says that it is `public`; and an answer that sets
//! a cookie is not kept.
//!
//! # Layout
//!
//! - [`Cache`]: what is kept, in shards with a lock each, and what makes room. [`Budget`]: how much all caches of a process hold.
//! - `question`: what a client asks, as far as it counts here. `stored`: an answer that is kept. `rules`: what is kept, how long it is
//!   fresh, and what may be served when it is not. `directives`: `Cache-Control`.

mod budget;
mod cache;
mod directives;
mod question;
mod recorder;
mod rules;
mod shard;
mod stored;

pub use budget::{Budget, Counts, Statistics};
pub use cache::{Bounds, Cache, Found};
pub use question::Question;
pub use recorder::Recorder;
pub use stored::{Answer, Stored};

#[cfg(test)]
mod tests;

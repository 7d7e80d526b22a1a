//! What tokens of requests are verified with, for as long as anything is verified with it, and tokens that calls carry.
//!
//! Nothing here waits, and nothing is fetched: whoever serves requests is told what there is, and whose turn it is to fetch.
//!
//! # Layout
//!
//! - `validator`: what a rule wants of tokens, joined with what there is of what it names.
//! - `keys`: a set of keys, and what was verified with them. `remote`: keys that are fetched, and who fetches them.
//! - `store`: those, from one version of a rule to the next.
//! - `grants`: tokens that calls carry.

mod grants;
mod keys;
mod remote;
mod store;
mod validator;

pub use grants::{Grant, Grants, InvalidGrant};
pub use keys::KeyRing;
pub use remote::{Fetch, Held, Lookup, NoWait, RemoteKeys, Waiting};
pub use store::KeyStore;
pub use validator::{KeySource, Validator};

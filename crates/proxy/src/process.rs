//! What the system lets this process have, and what it has of it.

mod descriptors;
mod seldom;

pub(crate) use backstay_telemetry::process::Usage;
pub(crate) use descriptors::{Descriptors, raise_limit};
pub(crate) use seldom::Seldom;

#[cfg(test)]
mod tests;

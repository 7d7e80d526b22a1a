//! What the system lets this process have, and what it has of it.

mod descriptors;
mod seldom;
mod usage;

pub(crate) use descriptors::{Descriptors, raise_limit};
pub(crate) use seldom::Seldom;
pub(crate) use usage::Usage;

#[cfg(test)]
mod tests;

//! Endpoints: what the configuration says of them, and what is known of them.

mod set;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use set::Endpoint;
pub use set::{EndpointSet, EndpointSpec, Health, Locality, Start, Stated};
pub(crate) use state::millis;
pub use state::{ActiveRequest, EndpointState};

//! What an endpoint that authenticates nobody must see to itself.
//!
//! Its address is all that keeps others away, so it must be one that only this machine reaches, unless the operator says
//! otherwise: [`check_address`]. And a browser on this machine reaches it on behalf of any web page that a person looks at,
//! so requests that a page sends are refused: [`PageGuard`].
//!
//! A crate of its own since the control plane and the proxy both have such endpoints, and neither may know the other.
//! It decides; who serves answers in the words of its own protocol.
//!
//! # Layout
//!
//! - `address`: addresses that others reach. `page`: the decision about a request, and what it is told.
//! - `log_switch`: more in the log for a while, which such an endpoint may be asked for.
//! - `authority`: whom a request is addressed to, and which page it comes from. `name`: names that operators allow.

mod address;
mod authority;
mod log_switch;
mod name;
mod page;

pub use self::address::{Exposed, check_address};
pub use self::log_switch::{LogSwitch, LogSwitchError};
pub use self::name::{HostName, HostNameError};
pub use self::page::{PageGuard, Refusal};

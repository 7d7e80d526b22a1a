//! What a Gateway compiles to.

mod allowed;
mod conflict;
mod listener;
mod selector;
mod status;

pub(crate) use self::conflict::{Claim, Conflict, conflicts};
pub(crate) use self::listener::{
    ListenerOutcome, ListenerView, Site, certificate_secret, claimed_port, listener, needs_grant,
};
pub(crate) use self::status::{GatewayStatus, Placement, controller, gateway_status, left};

//! What a Gateway compiles to.

mod allowed;
mod conflict;
mod listener;
mod selector;
mod standing;

pub(crate) use self::conflict::{Claim, Conflict, conflicts};
pub(crate) use self::listener::{ListenerFace, ListenerOutcome, Site, certificate_secret, claimed_port, listener};
pub(crate) use self::standing::{Serving, Standing, controller, left, standing};

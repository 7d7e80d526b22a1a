//! What an HTTPRoute compiles to.

mod attachment;
mod filter;
mod matching;
mod reference;
mod rule;

pub(crate) use self::attachment::{Attachment, GatewayView, Parent, attach, parent_key};
pub(crate) use self::reference::{BackendState, named_backends};
pub(crate) use self::rule::{Rules, Scope, rules};

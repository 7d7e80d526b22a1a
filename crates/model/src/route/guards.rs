//! What requests have to pass before the action of their rule.
//!
//! A [`Rule`](super::Rule) has all that its requests have to pass, its route's guards included: where both have one of a kind, the
//! rule's counts, but for [`bots`], of which both are asked. In which order they are passed is said at [`Guards`].
//!
//! # Layout
//!
//! - `bots`: by their names. `pattern`: regular expressions that are looked for.

mod bots;
mod pattern;

use std::sync::Arc;

use backstay_proto::config;

pub use bots::Bots;

use crate::fault::{Checked, Together, Within, refuse};

/// What requests have to pass, from the first to the last.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Not to be a program that is not wanted, as each of these knows them.
    pub bots: Box<[Arc<Bots>]>,
}

impl Guards {
    /// Whether there is nothing to pass.
    fn is_empty(&self) -> bool {
        self.bots.is_empty()
    }

    /// What requests of a rule have to pass that has `own` guards, in a route that has these.
    fn with(&self, own: &Self) -> Self {
        Self { bots: self.bots.iter().chain(&own.bots).cloned().collect() }
    }
}

/// What requests of a rule have to pass that has `own` guards, in a route that has `route`'s.
pub(super) fn joined(route: Option<&Arc<Guards>>, own: Option<Arc<Guards>>) -> Option<Arc<Guards>> {
    match (route, own) {
        (Some(route), Some(own)) => Some(Arc::new(route.with(&own))),
        (route, own) => own.or_else(|| route.cloned()),
    }
}

/// Guards of a whole route.
pub(super) fn of_route(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    read(message)
}

/// Guards of one rule.
pub(super) fn of_rule(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    read(message)
}

fn read(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    let Some(config::Guards { cors, security, bots, token, rate_limits }) = message else { return Ok(None) };
    let unknown = [
        ("cors", cors.is_some()),
        ("security", security.is_some()),
        ("token", token.is_some()),
        ("rate_limits", !rate_limits.is_empty()),
    ];
    let unknown = match unknown.into_iter().find(|(_, set)| *set) {
        Some((field, _)) => refuse(field, "this proxy cannot do that"),
        None => Ok(()),
    };
    let bots = bots.as_ref().map(Bots::try_from).transpose().within("bots");
    let (bots, ()) = (bots, unknown).together()?;
    let guards = Guards { bots: bots.into_iter().map(Arc::new).collect() };
    Ok((!guards.is_empty()).then(|| Arc::new(guards)))
}

//! What requests have to pass before the action of their rule.
//!
//! A [`Rule`](super::Rule) has all that its requests have to pass, its route's guards included: where both have one of a kind, the
//! rule's counts, but for [`bots`], of which both are asked. In which order they are passed is said at [`Guards`].
//!
//! # Layout
//!
//! - `token`: tokens that they must carry. `bots`: by their names. `pattern`: regular expressions that are looked for.

mod bots;
mod pattern;
mod token;

use std::sync::Arc;

use backstay_proto::config;

pub use bots::Bots;
pub use token::{Keys, RemoteKeySet, Revocation, TokenValidation};

use crate::fault::{Checked, Together, Within, refuse};

/// What requests have to pass, from the first to the last.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Not to be a program that is not wanted, as each of these knows them.
    pub bots: Box<[Arc<Bots>]>,
    /// To carry a token. Of rules alone.
    pub token: Option<Arc<TokenValidation>>,
}

impl Guards {
    /// Whether there is nothing to pass.
    fn is_empty(&self) -> bool {
        self.bots.is_empty() && self.token.is_none()
    }

    /// What requests of a rule have to pass that has `own` guards, in a route that has these.
    fn with(&self, own: &Self) -> Self {
        Self { bots: self.bots.iter().chain(&own.bots).cloned().collect(), token: own.token.clone() }
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
    if message.is_some_and(|message| message.token.is_some()) {
        return refuse("token", "belongs to each rule: no route can want one of all its requests");
    }
    read(message)
}

/// Guards of one rule.
pub(super) fn of_rule(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    read(message)
}

fn read(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    let Some(config::Guards { cors, security, bots, token, rate_limits }) = message else { return Ok(None) };
    let unknown =
        [("cors", cors.is_some()), ("security", security.is_some()), ("rate_limits", !rate_limits.is_empty())];
    let unknown = match unknown.into_iter().find(|(_, set)| *set) {
        Some((field, _)) => refuse(field, "this proxy cannot do that"),
        None => Ok(()),
    };
    let bots = bots.as_ref().map(Bots::try_from).transpose().within("bots");
    let token = token.as_ref().map(TokenValidation::try_from).transpose().within("token");
    let (bots, token, ()) = (bots, token, unknown).together()?;
    let guards = Guards { bots: bots.into_iter().map(Arc::new).collect(), token: token.map(Arc::new) };
    Ok((!guards.is_empty()).then(|| Arc::new(guards)))
}

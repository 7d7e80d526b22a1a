//! What requests have to pass before the action of their rule.
//!
//! A [`Rule`](super::Rule) has all that its requests have to pass, its route's guards included: where both have one of a kind, the
//! rule's counts, but for bots, of which both are asked, and limits, which all count. A rule that stands apart has [`Cors`] of its route's
//! guards alone. In which order they are passed is said at [`Guards`].
//!
//! # Layout
//!
//! - `cors`: who may read responses. `security`: hosts, TLS, and headers of responses. `bots`: programs, by their names. `token`:
//!   tokens that they must carry. `limit`: how many requests.
//! - `pattern`: regular expressions that are looked for.

mod bots;
mod cors;
mod limit;
mod pattern;
mod security;
mod token;

use std::sync::Arc;

use backstay_proto::config;

pub use bots::Bots;
pub use cors::Cors;
pub use limit::{RequestLimit, Sharing};
pub use security::{Security, SslRedirect};
pub(in crate::route) use token::algorithm;
pub use token::{ClaimHeaders, Keys, RemoteKeySet, Revocation, TokenValidation};

use crate::fault::{Checked, Together, Within, all, refuse};

/// What requests have to pass, from the first to the last.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Who may read responses; answers to preflights.
    pub cors: Option<Arc<Cors>>,
    /// To be for a host that is served, and to come by TLS.
    pub security: Option<Arc<Security>>,
    /// Not to be a program that is not wanted, as each of these knows them.
    pub bots: Box<[Arc<Bots>]>,
    /// To carry a token. Of rules alone.
    pub token: Option<Arc<TokenValidation>>,
    /// To be no more than these.
    pub limits: Box<[Arc<RequestLimit>]>,
    /// Whether a rule with these has of its route's guards [`Cors`] alone. They are not joined yet then.
    apart: bool,
}

impl Guards {
    /// Whether there is nothing to pass.
    fn is_empty(&self) -> bool {
        let Self { cors, security, bots, token, limits, apart } = self;
        cors.is_none() && security.is_none() && bots.is_empty() && token.is_none() && limits.is_empty() && !apart
    }

    /// What requests of a rule have to pass that has `own` guards, in a route that has these.
    fn with(&self, own: &Self) -> Self {
        let cors = own.cors.as_ref().or(self.cors.as_ref()).cloned();
        if own.apart {
            return Self { cors, apart: false, ..own.clone() };
        }
        Self {
            cors,
            security: own.security.as_ref().or(self.security.as_ref()).cloned(),
            bots: self.bots.iter().chain(&own.bots).cloned().collect(),
            token: own.token.clone(),
            limits: self.limits.iter().chain(&own.limits).cloned().collect(),
            apart: false,
        }
    }
}

/// What requests of a rule have to pass that has `own` guards, in a route that has `route`'s.
pub(super) fn joined(route: Option<&Arc<Guards>>, own: Option<Arc<Guards>>) -> Option<Arc<Guards>> {
    match (route, own) {
        (Some(route), Some(own)) => Some(route.with(&own)).filter(|guards| !guards.is_empty()).map(Arc::new),
        (None, Some(own)) if own.apart => joined(Some(&Arc::default()), Some(own)),
        (route, own) => own.or_else(|| route.cloned()),
    }
}

/// The guards of a whole route.
pub(super) fn of_route(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    if message.is_some_and(|message| message.token.is_some()) {
        return refuse("token", "belongs to each rule: no route can want one of all its requests");
    }
    if message.is_some_and(|message| message.apart) {
        return refuse("apart", "belongs to rules: there is nothing that a route could be apart from");
    }
    guards(message)
}

/// The guards of a rule.
pub(super) fn guards(message: Option<&config::Guards>) -> Checked<Option<Arc<Guards>>> {
    let Some(message) = message else { return Ok(None) };
    let config::Guards { cors, security, bots, token, rate_limits, apart } = message;
    let cors = cors.as_ref().map(Cors::try_from).transpose().within("cors");
    let security = security.as_ref().map(Security::try_from).transpose().within("security");
    let bots = bots.as_ref().map(Bots::try_from).transpose().within("bots");
    let token = token.as_ref().map(TokenValidation::try_from).transpose().within("token");
    let limits = rate_limits.iter().enumerate();
    let limits = limits.map(|(index, limit)| RequestLimit::try_from(limit).within_element("rate_limits", index));
    let (cors, security, bots, token, limits): (_, _, _, _, Vec<_>) =
        (cors, security, bots, token, all(limits)).together()?;
    let guards = Guards {
        cors: cors.map(Arc::new),
        security: security.map(Arc::new),
        bots: bots.into_iter().map(Arc::new).collect(),
        token: token.map(Arc::new),
        limits: limits.into_iter().map(Arc::new).collect(),
        apart: *apart,
    };
    Ok((!guards.is_empty()).then(|| Arc::new(guards)))
}

#[cfg(test)]
mod tests;

//! What proxies are given for a configuration.
//!
//! # Layout
//!
//! - [`compile`]: the whole of it. [`Compiled`]: what comes out.
//! - `endpoint`, `call`, `admission`: a rule for each endpoint, and what its backends are asked. `precedence`: which of several
//!   takes a request. `own`: what the router answers itself.
//! - `listener`, `tls`, `client`: where clients connect to, and who they are. `differences`: what is not quite done as it is asked for.
//! - `Scope`: what compiling has at hand, and where it puts what proxies need beside the route. [`Files`]: what a configuration
//!   names by path.
//! - `hosts`: backends of the model, one for each host that is called. `name`: what discovery resources are called. `sender`: whom a call is from.
//! - `component`: components of `extra_config`, a file each; `written`: where they are written.

mod admission;
mod call;
mod client;
mod component;
mod differences;
mod endpoint;
mod files;
mod hosts;
mod listener;
pub(crate) mod name;
mod own;
mod precedence;
mod scope;
mod sender;
mod tls;
mod written;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_proto::config;

pub use self::files::{File, Files};
pub(crate) use self::hosts::Trust;
pub use self::name::backend_of;
pub use self::scope::ConfigName;
pub(crate) use self::scope::{Offered, Scope};
use crate::place::{Path, Place};
use crate::plan::Plan;
use crate::problem::Report;

/// How KrakenD shows itself to clients and to backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// What `X-Krakend` says after `Version`.
    pub version: String,
    /// `User-Agent` of calls, and `X-Forwarded-Via` where the client's own goes on.
    pub user_agent: String,
}

impl Product {
    /// The version of KrakenD's Community edition that this is like.
    pub const VERSION: &str = "2.13";
}

impl Default for Product {
    fn default() -> Self {
        Self { version: Self::VERSION.to_owned(), user_agent: format!("KrakenD Version {}", Self::VERSION) }
    }
}

/// What a configuration is compiled with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// What it is called.
    pub name: ConfigName,
    /// The files that it names.
    pub files: Files,
    /// How it shows itself.
    pub product: Product,
    /// Whether `/__debug` answers whatever the configuration says, as with `krakend run -d`.
    pub debug: bool,
    /// Tokens that are revoked: claims with their values.
    pub revoked: Vec<String>,
}

/// A configuration, as proxies have it but for the listeners that it is attached to. May hold keys, so it is not printed.
#[derive(Clone, PartialEq)]
pub(crate) struct Compiled {
    /// Without attachments and without its place among others.
    pub(crate) route: config::Route,
    /// For a configuration with a listener of its own.
    pub(crate) listener: config::Listener,
    /// What is made for it beside the route.
    pub(crate) resources: BTreeMap<Arc<str>, Offered>,
    /// Stored Secrets that the listener or a backend needs.
    pub(crate) secrets: BTreeSet<Arc<str>>,
}

impl Compiled {
    /// The names of the policies that its backends have.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &str> {
        self.resources.values().filter_map(|offered| offered.policy.as_deref())
    }
}

/// Compiles a plan. What is wrong with it is told; what comes out is of no use then.
pub(crate) fn compile(plan: &Plan, input: &Input, report: &Report) -> Compiled {
    let scope = Scope::new(&input.name, plan, &input.files, report).with_revoked(&input.revoked);
    let manners = own::Manners { product: &input.product, router: &plan.router, debug: input.debug };
    let precedences = precedence::precedences(&plan.endpoints);
    let mut rules = manners.rules();
    let endpoints = plan.endpoints.iter().zip(&precedences);
    rules.extend(endpoints.map(|(endpoint, precedence)| endpoint::rule(endpoint, *precedence, &manners, &scope)));
    rules.extend(manners.options(&plan.endpoints, &precedences));
    let guards = component::of_service(&scope);
    let route = config::Route {
        rules,
        guards: Some(guards).filter(|guards| *guards != config::Guards::default()),
        unmatched: Some(manners.unmatched()),
        client_address: Some(client::address(&plan.router)),
        ..Default::default()
    };
    sound(&route, plan, report);
    let listener = listener::listener(&scope);
    differences::tell(&scope);
    let (resources, secrets) = scope.into_resources();
    Compiled { route, listener, resources, secrets }
}

/// Tells what proxies would refuse of a route, by the model that they check it with: better here than there.
fn sound(route: &config::Route, plan: &Plan, report: &Report) {
    let Err(faults) = backstay_model::Route::try_from(route) else { return };
    let root = Path::ROOT.key("endpoints");
    for fault in &faults {
        let index = fault.field.strip_prefix("rules[").and_then(|rest| rest.split_once(']')?.0.parse::<usize>().ok());
        let rule = index.and_then(|index| route.rules.get(index));
        let endpoint =
            rule.and_then(|rule| plan.endpoints.iter().find(|endpoint| endpoint::name(endpoint) == rule.name));
        match endpoint {
            Some(endpoint) => {
                report.not_served(endpoint.place, &root.index(endpoint.index), format!("proxies refuse it: {fault}"));
            }
            None => report.not_served(Place::START, &Path::ROOT, format!("proxies refuse it: {fault}")),
        }
    }
}

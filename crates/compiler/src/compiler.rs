//! The tables of objects, and what happens when some of them change.

mod backends;
mod gateways;
mod ingest;
mod links;
mod reports;
mod routes;
mod secrets;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use backstay_resources::gateway::GatewayClassSpec;

use self::backends::BackendNode;
use self::gateways::GatewayNode;
use self::links::Links;
use self::reports::Reports;
use self::routes::RouteNode;
use self::secrets::SecretNode;
use self::work::Work;
use crate::change::{Change, ObjectKey};
use crate::fleet::Fleets;
use crate::kept::{Kept, KeptName};
use crate::output::Output;
use crate::policy::PolicyModel;
use crate::secret::{SecretName, SecretUse};
use crate::source::Source;
use crate::usage::Usage;

/// Limits of the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many bytes one compiled regular expression of a route may take. An expression that needs more is refused in
    /// the route's status. Default 1 MiB; proxies should allow at least as much.
    pub regex_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { regex_bytes: 1 << 20 }
    }
}

/// Compiles objects as they change.
///
/// One `Compiler` sees all changes of all objects, in any order and in batches of any size: when the last one has been
/// applied, the outputs together say what a new `Compiler` would say at once. The exception is an object that cannot be
/// compiled as it is: it stands as it last could be, and that depends on its past.
#[derive(Debug, Default)]
pub struct Compiler {
    options: Options,
    classes: HashMap<ObjectKey, Source<GatewayClassSpec>>,
    proxies: HashSet<Arc<str>>,
    /// Labels of each namespace.
    namespaces: HashMap<Arc<str>, BTreeMap<String, String>>,
    gateways: HashMap<ObjectKey, GatewayNode>,
    routes: HashMap<ObjectKey, RouteNode>,
    backends: HashMap<Arc<str>, BackendNode>,
    policies: HashMap<Arc<str>, Source<PolicyModel>>,
    secrets: HashMap<SecretName, SecretNode>,
    links: Links,
    /// Accepted routes of each listener of each Gateway.
    attached: HashMap<ObjectKey, BTreeMap<String, i32>>,
    /// Backends that routes send requests to.
    backend_usage: Usage<Arc<str>>,
    /// Secrets of which something was restored, and which perhaps nobody needs.
    restored: BTreeSet<SecretName>,
    /// Secrets that listeners and Backends need.
    secret_usage: Usage<SecretUse>,
    /// The Secrets that each Backend has brought to each fleet.
    backend_secrets: HashMap<(Arc<str>, Arc<str>), Vec<SecretUse>>,
    fleets: Fleets,
    reports: Reports,
    compiled: usize,
}

impl Compiler {
    /// A compiler that knows no objects.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes over what an earlier compiler [kept](Output::kept) of Secrets, before any change is applied.
    pub fn restore(&mut self, kept: impl IntoIterator<Item = (KeptName, Kept)>) {
        for (KeptName { namespace, name, role }, Kept(compiled)) in kept {
            let name = SecretName { namespace, name };
            let node = self.secrets.entry(name.clone()).or_default();
            node.kept.insert(role, compiled);
            node.told.insert(role);
            self.restored.insert(name);
        }
    }

    /// Applies changes of objects, and returns everything that changed because of them. Where changes name the same
    /// object, the last counts. A change to an object's status alone changes nothing.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Output {
        let mut work = Work { secrets: std::mem::take(&mut self.restored), ..Work::default() };
        for change in changes {
            self.ingest(change, &mut work);
        }
        // Each step only adds work to the steps after it.
        self.report_classes(&mut work);
        self.settle_backends(&mut work);
        self.settle_gateways(&mut work);
        self.settle_routes(&mut work);
        self.place_backends(&mut work);
        self.place_secrets(&mut work);
        self.report_backends(&mut work);
        self.report_policies(&mut work);
        self.report_gateways(&mut work);
        Output {
            fleets: self.fleets.take(),
            statuses: self.reports.take(),
            kept: std::mem::take(&mut work.kept),
            compiled: std::mem::take(&mut self.compiled),
        }
    }
}

#[cfg(test)]
mod tests;

//! Roles and bindings that always exist.

use backstay_resources::Registry;

use super::rule::{ALL, Rule};
use crate::identity::{AUTHENTICATED, MASTERS, Scope, UNAUTHENTICATED, User};

/// What names of built-in roles begin with.
pub(crate) const PREFIX: &str = "backstay:";

/// API group of what is no object: fleets, as the admin API and the discovery service have them.
pub(super) const ADMIN_GROUP: &str = "backstay.dev";
/// API group that requests to the Fastly API are about; all of them are about its `services`.
pub(super) const FASTLY_GROUP: &str = "api.fastly.com";

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const EVERYTHING: &[&str] =
    &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "connect"];

/// What scopes of tokens stand for. No group can be called so: names with a line break come from nowhere.
const SCOPE_EDIT: &str = "\nglobal";
const SCOPE_VIEW: &str = "\nglobal:read";
const SCOPE_FASTLY_EDIT: &str = "\nfastly:global";
const SCOPE_FASTLY_VIEW: &str = "\nfastly:global:read";
const SCOPE_PURGE_SELECT: &str = "\npurge_select";
const SCOPE_PURGE_ALL: &str = "\npurge_all";

/// The groups that the scopes of a token stand for. A token that sees some services alone, or those of a customer of its own, has
/// scopes in the Fastly API alone: elsewhere nothing tells services apart.
pub(crate) fn groups_of_scopes(user: &User) -> impl Iterator<Item = &'static str> + '_ {
    let is_limited = user.services.is_some() || user.customer != crate::identity::DEFAULT_CUSTOMER;
    user.scopes.iter().map(move |scope| match (scope, is_limited) {
        (Scope::Global, false) => SCOPE_EDIT,
        (Scope::Global, true) => SCOPE_FASTLY_EDIT,
        (Scope::GlobalRead, false) => SCOPE_VIEW,
        (Scope::GlobalRead, true) => SCOPE_FASTLY_VIEW,
        (Scope::PurgeSelect, _) => SCOPE_PURGE_SELECT,
        (Scope::PurgeAll, _) => SCOPE_PURGE_ALL,
    })
}

/// The roles that can be bound, with the names that Kubernetes has for four of them.
pub(crate) fn roles(registry: &Registry) -> Vec<(&'static str, Vec<Rule>)> {
    vec![
        ("backstay:view", view(registry)),
        ("view", view(registry)),
        ("backstay:edit", edit(registry)),
        ("edit", edit(registry)),
        ("backstay:admin", admin()),
        ("admin", admin()),
        ("cluster-admin", everything()),
        ("backstay:proxy", vec![Rule::on(ADMIN_GROUP, &[text("fleets")], &["connect"])]),
        ("backstay:metrics", vec![Rule::at(&["/metrics"], &["get", "head"])]),
        ("backstay:tap", vec![Rule::on(ADMIN_GROUP, &[text("proxies/tap")], &["get", "create", "watch"])]),
    ]
}

/// Whether a name is one of those that Kubernetes has: a file may have a role of its own under it.
pub(crate) fn is_alias(name: &str) -> bool {
    matches!(name, "view" | "edit" | "admin" | "cluster-admin")
}

/// Who has which role whatever a file says.
pub(crate) fn bindings(registry: &Registry) -> Vec<(&'static str, &'static str, Vec<Rule>)> {
    let purge = |kind: &str| vec![Rule::on(FASTLY_GROUP, &[text(kind)], &["create"])];
    vec![
        (MASTERS, "cluster-admin", everything()),
        (AUTHENTICATED, "backstay:basic", basic()),
        (AUTHENTICATED, "backstay:public", public()),
        (UNAUTHENTICATED, "backstay:public", public()),
        (SCOPE_EDIT, "backstay:edit", edit(registry)),
        (SCOPE_VIEW, "backstay:view", view(registry)),
        (SCOPE_FASTLY_EDIT, "backstay:edit", vec![fastly(EVERYTHING)]),
        (SCOPE_FASTLY_VIEW, "backstay:view", vec![fastly(READ)]),
        (SCOPE_PURGE_SELECT, "backstay:purge", purge("services/purge")),
        (SCOPE_PURGE_ALL, "backstay:purge", purge("services/purgeall")),
    ]
}

/// What anybody may ask: whether it is well, which version it is, whom to trust, and how one would log in.
fn public() -> Vec<Rule> {
    let paths = [
        "/healthz",
        "/healthz/",
        "/livez",
        "/livez/",
        "/readyz",
        "/readyz/",
        "/version",
        "/version/",
        "/ca.pem",
        "/realms/*",
    ];
    vec![Rule::at(&paths, &["get", "head"]), Rule::at(&["/grpc.health.v1.Health/*"], &["post"])]
}

/// What everybody may ask who is known: what is served, who they are, and what they may do.
fn basic() -> Vec<Rule> {
    let paths = [
        "/",
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/openapi",
        "/openapi/*",
        "/tokens/self",
        "/verify",
        "/datacenters",
    ];
    let reviews = [text("selfsubjectaccessreviews"), text("selfsubjectrulesreviews")];
    // What services there are, as gRPC asks.
    let reflection = ["/grpc.reflection.v1.ServerReflection/*", "/grpc.reflection.v1alpha.ServerReflection/*"];
    vec![
        Rule::at(&paths, &["get", "head"]),
        Rule::at(&reflection, &["post"]),
        Rule::on("authorization.k8s.io", &reviews, &["create"]),
        Rule::on("authentication.k8s.io", &[text("selfsubjectreviews")], &["create"]),
    ]
}

/// Reads all but Secrets.
fn view(registry: &Registry) -> Vec<Rule> {
    let mut rules: Vec<Rule> =
        kinds(registry, false).into_iter().map(|(group, all)| Rule::on(group, &all, READ)).collect();
    rules.push(Rule::on(ADMIN_GROUP, &[text("fleets"), text("fleets/status")], READ));
    rules.push(fastly(READ));
    rules
}

/// Reads and writes all kinds, Secrets included.
fn edit(registry: &Registry) -> Vec<Rule> {
    let verbs: Vec<&str> = READ.iter().chain(WRITE).copied().collect();
    let mut rules: Vec<Rule> =
        kinds(registry, true).into_iter().map(|(group, all)| Rule::on(group, &all, &verbs)).collect();
    rules.push(Rule::on(ADMIN_GROUP, &[text("fleets"), text("fleets/status")], READ));
    rules.push(fastly(EVERYTHING));
    rules
}

/// Everything but to speak for others.
fn admin() -> Vec<Rule> {
    vec![Rule::on(ALL, &[text(ALL)], EVERYTHING), Rule::at(&[ALL], &[ALL])]
}

fn everything() -> Vec<Rule> {
    vec![Rule::on(ALL, &[text(ALL)], &[ALL]), Rule::at(&[ALL], &[ALL])]
}

fn fastly(verbs: &[&str]) -> Rule {
    Rule::on(FASTLY_GROUP, &["services", "services/purge", "services/purgeall"].map(text), verbs)
}

/// The kinds of each group, and their statuses, with or without Secrets.
fn kinds(registry: &Registry, with_secrets: bool) -> Vec<(&'static str, Vec<String>)> {
    let mut groups: Vec<(&'static str, Vec<String>)> = Vec::new();
    // Services and Events are served beside the kinds that are stored.
    let beside = [("", "services"), ("", "events"), ("events.k8s.io", "events")].into_iter();
    let beside = beside.map(|(group, plural)| (group, plural, false));
    let stored = registry.iter().map(|kind| (kind.group, kind.plural, kind.has_status));
    for (group, plural, has_status) in stored.chain(beside) {
        if !with_secrets && group.is_empty() && plural == "secrets" {
            continue;
        }
        let index = groups.iter().position(|(known, _)| *known == group).unwrap_or_else(|| {
            groups.push((group, Vec::new()));
            groups.len() - 1
        });
        let Some((_, resources)) = groups.get_mut(index) else { continue };
        resources.push(plural.to_owned());
        if has_status {
            resources.push(format!("{plural}/status"));
        }
    }
    groups
}

fn text(text: &str) -> String {
    text.to_owned()
}

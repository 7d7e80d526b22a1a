use super::*;
use crate::attributes::Attributes;
use crate::identity::{DEFAULT_CUSTOMER, MASTERS, Scope, User};
use backstay_resources::Registry;

const FILE: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: shop, labels: {team: a}}
rules:
- {apiGroups: [gateway.networking.k8s.io], resources: [httproutes, "*/status"], verbs: [get, patch]}
- {apiGroups: [""], resources: [secrets], resourceNames: [edge], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ci, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects:
- {kind: User, name: ci, apiGroup: rbac.authorization.k8s.io}
- {kind: ServiceAccount, name: robot}
---
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: viewers}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "backstay:view"}
  subjects: [{kind: Group, name: staff, apiGroup: rbac.authorization.k8s.io}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: logs}
  rules: [{nonResourceURLs: ["/logging", "/debug/*"], verbs: [post]}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: logs}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: logs}
  subjects: [{kind: Group, name: staff}]
"#;

fn policy() -> Policy {
    Policy::read(&Registry::built_in(), FILE.as_bytes()).unwrap()
}

fn user(name: &str, groups: &[&str]) -> User {
    User { groups: groups.iter().map(|&group| group.to_owned()).collect(), ..User::named(name) }
}

fn on<'a>(verb: &'a str, group: &'a str, resource: &'a str, namespace: &'a str, name: &'a str) -> Attributes<'a> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    Attributes {
        namespace: namespace.into(),
        name: name.into(),
        subresource: subresource.into(),
        ..Attributes::resource(verb, group, resource)
    }
}

#[test]
fn a_binding_gives_what_its_role_has_in_its_namespace_and_no_more() {
    let policy = policy();
    let ci = user("ci", &[]);
    let gateway = "gateway.networking.k8s.io";
    let decision = policy.decide(&ci, &on("get", gateway, "httproutes", "shop", "x"));
    assert!(decision.allowed);
    assert_eq!(
        &*decision.reason,
        "RBAC: allowed by RoleBinding \"ci\" in the namespace \"shop\" of Role \"deployer\" to User \"ci\""
    );
    let may = |user: &User, asked: &Attributes<'_>| policy.decide(user, asked).allowed;
    assert!(may(&user("system:serviceaccount:shop:robot", &[]), &on("get", gateway, "httproutes", "shop", "x")));
    assert!(may(&ci, &on("patch", gateway, "httproutes/status", "shop", "x")), "*/status");
    assert!(may(&ci, &on("delete", "", "secrets", "shop", "edge")));
    for (denied, why) in [
        (on("get", gateway, "httproutes", "other", "x"), "another namespace"),
        (on("get", gateway, "httproutes", "", ""), "all namespaces"),
        (on("list", gateway, "httproutes", "shop", ""), "another verb"),
        (on("get", "", "httproutes", "shop", "x"), "another group"),
        (on("get", gateway, "httproutes/scale", "shop", "x"), "another subresource"),
        (on("get", "", "secrets", "shop", "other"), "another name"),
        (on("create", "", "secrets", "shop", ""), "a name that is not known yet"),
        (Attributes::path("get", "/metrics"), "a path"),
    ] {
        assert_eq!(policy.decide(&ci, &denied), Decision::deny(""), "{why}");
    }
    assert!(!may(&user("other", &[]), &on("get", gateway, "httproutes", "shop", "x")));
    assert!(policy.may_some(&ci, &on("get", gateway, "httproutes", "", "")));
    assert!(!policy.may_some(&ci, &on("create", gateway, "httproutes", "", "")));
}

#[test]
fn paths_are_whole_or_begin_as_they_say() {
    let (policy, staff) = (policy(), user("x", &["staff"]));
    let may = |verb: &str, path: &str| policy.decide(&staff, &Attributes::path(verb, path)).allowed;
    assert!(may("post", "/logging") && may("post", "/debug/x/y"));
    assert!(!may("get", "/logging") && !may("post", "/logging/x") && !may("post", "/debug"));
}

#[test]
fn the_built_in_roles_are_what_they_are_called() {
    let (policy, staff) = (policy(), user("x", &["staff"]));
    let may = |user: &User, asked: &Attributes<'_>| policy.decide(user, asked).allowed;
    let backend = |verb: &'static str| on(verb, "core.apoxy.dev", "backends", "", "x");
    let secret = on("get", "", "secrets", "default", "x");
    assert!(may(&staff, &backend("get")) && !may(&staff, &backend("create")) && !may(&staff, &secret));
    assert!(may(&staff, &on("get", "core.apoxy.dev", "backends/status", "", "x")));
    assert!(may(&user("root", &[MASTERS]), &on("impersonate", "", "users", "", "x")));
    assert!(may(&User::anonymous(), &Attributes::path("get", "/readyz")));
    assert!(!may(&User::anonymous(), &Attributes::path("get", "/metrics")));
    let edit = User { scopes: [Scope::Global].into(), ..User::named("t") };
    assert!(may(&edit, &backend("create")) && may(&edit, &secret) && !may(&edit, &Attributes::path("get", "/metrics")));
    let view = User { scopes: [Scope::GlobalRead].into(), ..User::named("t") };
    assert!(may(&view, &backend("get")) && !may(&view, &backend("delete")) && !may(&view, &secret));
    let fastly = |verb: &'static str, resource: &'static str| on(verb, "api.fastly.com", resource, "", "s");
    for limited in [
        User { services: Some(["s".to_owned()].into()), ..edit.clone() },
        User { customer: "other".to_owned(), ..edit },
    ] {
        assert!(may(&limited, &fastly("update", "services")) && !may(&limited, &backend("get")));
    }
    let purge = User { scopes: [Scope::PurgeAll].into(), customer: DEFAULT_CUSTOMER.to_owned(), ..User::named("t") };
    assert!(may(&purge, &fastly("create", "services/purgeall")));
    assert!(!may(&purge, &fastly("create", "services/purge")) && !may(&purge, &fastly("get", "services")));
}

#[test]
fn what_is_wrong_is_named_with_its_document_and_field() {
    let read = |text: &str| Policy::read(&Registry::built_in(), text.as_bytes()).unwrap_err().to_string();
    let rbac = |rest: &str| read(&format!("apiVersion: rbac.authorization.k8s.io/v1\n{rest}"));
    for (error, part) in [
        (read("kind: Pod"), "apiVersion: it must be rbac.authorization.k8s.io/v1"),
        (rbac("kind: Pod\nmetadata: {name: x}"), "document 1: Pod \"x\": kind: it must be ClusterRole"),
        (rbac("kind: Role\nmetadata: {name: x}"), "metadata.namespace"),
        (rbac("kind: ClusterRole\nmetadata: {name: x}\naggregationRule: {}"), "aggregationRule: it is not done"),
        (
            rbac("kind: ClusterRole\nmetadata: {name: x}\nrules: [{verbs: [get], apiGroups: ['']}]"),
            "rules[0].resources",
        ),
        (rbac("kind: ClusterRole\nmetadata: {name: x}\nrules: [{verb: [get]}]"), "unknown field `verb`"),
        (rbac("kind: ClusterRole\nmetadata: {name: 'backstay:x'}\nrules: []"), "built-in roles"),
        (
            rbac("kind: ClusterRoleBinding\nmetadata: {name: x}\nroleRef: {kind: ClusterRole, name: nope}"),
            "roleRef.name: there is no ClusterRole \"nope\"",
        ),
        (
            rbac(
                "kind: ClusterRoleBinding\nmetadata: {name: x}\nroleRef: {kind: ClusterRole, name: view}\n\
                 subjects: [{kind: Robot, name: x}]",
            ),
            "subjects[0].kind",
        ),
    ] {
        assert!(error.contains(part), "{error}");
    }
}

use super::*;
use crate::core::NAMESPACE;
use crate::{apoxy, gateway};

fn of(kind: &Kind, metadata: &ObjectMeta) -> Vec<String> {
    validate(kind, metadata).iter().map(ToString::to_string).collect()
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: name.to_owned(), ..ObjectMeta::default() }
}

#[test]
fn a_name_or_a_prefix_is_required() {
    let none = of(&apoxy::BACKEND, &ObjectMeta::default());
    assert_eq!(none, ["metadata.name: Required value: name or generateName is required"]);
    let prefix = ObjectMeta { generate_name: "api-".to_owned(), ..ObjectMeta::default() };
    assert!(of(&apoxy::BACKEND, &prefix).is_empty());
    let prefix = ObjectMeta { generate_name: "API-".to_owned(), ..ObjectMeta::default() };
    assert_eq!(of(&apoxy::BACKEND, &prefix).len(), 1);
}

#[test]
fn namespaces_have_shorter_names() {
    assert!(of(&apoxy::BACKEND, &named("api.example")).is_empty());
    assert!(of(&NAMESPACE, &named("api.example"))[0].starts_with("metadata.name: Invalid value: \"api.example\""));
}

#[test]
fn cluster_scoped_objects_have_no_namespace() {
    let metadata = ObjectMeta { namespace: "default".to_owned(), ..named("a") };
    assert_eq!(of(&apoxy::BACKEND, &metadata), ["metadata.namespace: Forbidden: not allowed on this type"]);
    assert!(of(&gateway::GATEWAY, &metadata).is_empty());
}

#[test]
fn labels_and_finalizers_are_qualified_names() {
    let mut metadata = named("a");
    metadata.labels.insert("ok/key".to_owned(), "value".to_owned());
    metadata.labels.insert("not ok".to_owned(), "no value".to_owned());
    metadata.finalizers = vec!["example.com/wait".to_owned(), "/".to_owned()];
    let errors = validate(&apoxy::BACKEND, &metadata);
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert!(paths.contains(&"metadata.labels") && paths.contains(&"metadata.finalizers[1]"), "{paths:?}");
    assert!(!paths.contains(&"metadata.finalizers[0]"));
}

#[test]
fn dependents_cannot_both_stay_and_go_first() {
    let finalizers = ["orphan", "foregroundDeletion"].map(str::to_owned).to_vec();
    let errors = of(&apoxy::BACKEND, &ObjectMeta { finalizers, ..named("a") });
    assert!(errors[0].starts_with("metadata.finalizers: Invalid value"), "{errors:?}");
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn annotations_are_bounded_and_not_repeated() {
    let mut metadata = named("a");
    metadata.annotations.insert("Upper.Case/Key".to_owned(), "hunter2".repeat(40_000));
    let errors = of(&apoxy::BACKEND, &metadata);
    assert_eq!(errors, ["metadata.annotations: Too long: may not be more than 262144 bytes"]);
}

#[test]
fn owners_are_complete_and_at_most_one_controls() {
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        name: "s".to_owned(),
        controller: Some(true),
        ..OwnerReference::default()
    };
    let metadata = ObjectMeta { owner_references: vec![owner.clone(), owner], ..named("a") };
    let errors = of(&apoxy::BACKEND, &metadata);
    assert!(errors.contains(&"metadata.ownerReferences[1].uid: Required value: must not be empty".to_owned()));
    assert!(errors.iter().any(|error| error.contains("only one reference can have controller")), "{errors:?}");
}

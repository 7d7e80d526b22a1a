use super::{faults, offline, references, unknown};
use crate::client::Segment;
use crate::manifest::{Manifests, Problem};

const FILE: &str = "\
apiVersion: core.apoxy.dev/v1alpha2
kind: Backend
metadata:
  name: hello
spec:
  endpoints:
  - ip: 127.0.0.1
  - ip: nowhere
  - {}
  protcol: h2
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: hello
spec:
  parentRefs:
  - name: web
  rules:
  - backendRefs:
    - name: hello
      kind: Backend
      port: 80
    - name: other
      kind: Backend
      port: 80
";

fn read(text: &str) -> Manifests {
    let mut manifests = Manifests::default();
    manifests.add("f.yaml", text);
    assert_eq!(manifests.problems, []);
    manifests
}

fn places(problems: &[Problem]) -> Vec<(u64, &str)> {
    problems.iter().map(|problem| (problem.line.unwrap_or_default(), problem.field.as_str())).collect()
}

#[test]
fn all_that_is_wrong_with_an_object_is_found_where_it_is_written() {
    let problems = offline(&read(FILE).documents[..1], None);
    let places = places(&problems);
    assert!(places.contains(&(8, "spec.endpoints[1].ip")), "{problems:?}");
    assert!(places.contains(&(9, "spec.endpoints[2]")), "{problems:?}");
    assert!(places.contains(&(10, "spec.protcol")), "{problems:?}");
}

#[test]
fn a_namespace_may_be_left_out() {
    assert_eq!(offline(&read(FILE).documents[1..], None), []);
}

#[test]
fn kinds_that_are_not_served_are_named() {
    let manifests = read("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    let problem = unknown(&manifests.documents[0]).unwrap();
    assert_eq!((problem.line, problem.field.as_str()), (Some(2), "kind"));
    assert!(problem.message.contains("core.apoxy.dev/v1alpha2 Backend"), "{problem}");
    // A control plane may serve more than this version knows.
    assert_eq!(offline(&manifests.documents, None), []);
}

#[test]
fn references_out_of_the_files_are_warnings() {
    let warnings = references::missing(&read(FILE).documents, None);
    assert_eq!(places(&warnings), [(18, "spec.parentRefs[0].name"), (24, "spec.rules[0].backendRefs[1].name")]);
}

#[test]
fn the_same_object_twice_is_a_problem() {
    let once = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n";
    let again = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: default\n";
    let elsewhere = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: other\n";
    let manifests = read(&format!("{once}---\n{again}---\n{elsewhere}"));
    let problems = faults::repeated(&manifests.documents, None);
    assert_eq!(places(&problems), [(9, "metadata.name")]);
    assert!(problems[0].message.contains("f.yaml:1"), "{}", problems[0]);
    // Elsewhere is where the command line says it is.
    let other: Segment = "other".parse().unwrap();
    let there = faults::repeated(&read(&format!("{once}---\n{elsewhere}")).documents, Some(&other));
    assert_eq!(places(&there), [(9, "metadata.name")]);
}

#[test]
fn what_lives_in_no_namespace_is_the_same_in_all() {
    let backend = |metadata: &str| {
        let spec = "spec:\n  endpoints:\n  - ip: 127.0.0.1\n";
        format!("apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {metadata}\n{spec}")
    };
    let manifests = read(&format!("{}---\n{}", backend("{name: a}"), backend("{name: a, namespace: prod}")));
    assert_eq!(places(&faults::repeated(&manifests.documents, None)).len(), 1);
    let other: Segment = "other".parse().unwrap();
    let clash = |problem: &Problem| problem.message.contains("does not match the namespace");
    assert!(!offline(&manifests.documents, Some(&other)).iter().any(clash));
}

#[test]
fn a_namespace_that_is_not_the_one_that_was_asked_for_is_a_problem() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: default\n";
    let manifests = read(secret);
    let prod: Segment = "prod".parse().unwrap();
    let problems = offline(&manifests.documents, Some(&prod));
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "f.yaml:5: Secret/a: metadata.namespace: the namespace from the provided object \"default\" does not match the \
             namespace \"prod\". You must pass '--namespace=default' to perform this operation."
        ]
    );
    assert_eq!(offline(&manifests.documents, Some(&Segment::default_namespace())), []);
    assert_eq!(offline(&manifests.documents, None), []);
}

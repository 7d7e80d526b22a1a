use super::{check, duplicates, references};
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
    let problems = check(&read(FILE).documents[0]);
    let places = places(&problems);
    assert!(places.contains(&(8, "spec.endpoints[1].ip")), "{problems:?}");
    assert!(places.contains(&(9, "spec.endpoints[2]")), "{problems:?}");
    assert!(places.contains(&(10, "spec.protcol")), "{problems:?}");
}

#[test]
fn a_namespace_may_be_left_out() {
    assert_eq!(check(&read(FILE).documents[1]), []);
}

#[test]
fn kinds_that_are_not_served_are_named() {
    let manifests = read("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    let problems = check(&manifests.documents[0]);
    assert_eq!(places(&problems), [(2, "kind")]);
    assert!(problems[0].message.contains("core.apoxy.dev/v1alpha2 Backend"), "{}", problems[0]);
}

#[test]
fn references_out_of_the_files_are_warnings() {
    let warnings = references::missing(&read(FILE).documents);
    assert_eq!(places(&warnings), [(18, "spec.parentRefs[0].name"), (24, "spec.rules[0].backendRefs[1].name")]);
}

#[test]
fn the_same_object_twice_is_a_problem() {
    let once = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n";
    let again = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: default\n";
    let elsewhere = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: other\n";
    let manifests = read(&format!("{once}---\n{again}---\n{elsewhere}"));
    let problems = duplicates(&manifests.documents);
    assert_eq!(places(&problems), [(9, "metadata.name")]);
    assert!(problems[0].message.contains("f.yaml:1"), "{}", problems[0]);
}

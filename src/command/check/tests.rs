use super::{faults, offline, references, repeated, unknown};
use crate::client::Segment;
use crate::command::hints;
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
    assert_eq!(problem.message, "there is no kind v1 Pod");
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
            "f.yaml:5:3: Secret/a: metadata.namespace: the namespace from the provided object \"default\" does not match the \
             namespace \"prod\". You must pass '--namespace=default' to perform this operation."
        ]
    );
    assert_eq!(offline(&manifests.documents, Some(&Segment::default_namespace())), []);
    assert_eq!(offline(&manifests.documents, None), []);
}

fn said(text: &str) -> Vec<String> {
    let documents = read(text).documents;
    documents.iter().flat_map(unknown).chain(offline(&documents, None)).map(|problem| problem.to_string()).collect()
}

#[test]
fn a_misspelt_kind_or_version_has_a_hint() {
    let kind =
        |version: &str, kind: &str| said(&format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n"));
    for (version, name, hint) in [
        ("core.apoxy.dev/v1alpha2", "Backnd", "; is Backend meant?"),
        ("gateway.networking.k8s.io/v1", "HttpRoute", "; is HTTPRoute meant?"),
        ("gateway.networking.k8s.io/v1alpha9", "HTTPRoute", "; use gateway.networking.k8s.io/v1"),
        ("apps/v1", "Deployment", "there is no kind apps/v1 Deployment"),
    ] {
        let said = kind(version, name);
        assert!(said[0].ends_with(hint), "{said:?}");
    }
}

#[test]
fn a_misspelt_field_has_a_hint() {
    let said = said(FILE);
    assert!(
        said.iter().any(|line| line.contains("spec.protcol: there is no such field; is protocol meant?")),
        "{said:?}"
    );
}

#[test]
fn templates_and_variables_are_named_as_such() {
    let mut manifests = Manifests::default();
    manifests.add("t.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Values.name }}\n");
    assert!(manifests.problems[0].to_string().starts_with("t.yaml:4: it is a template"), "{:?}", manifests.problems);
    let said = said(
        "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {name: a}\nspec:\n  endpoints:\n  - ip: ${IP}\n",
    );
    assert!(said[0].contains("it looks like a variable of a template"), "{said:?}");
}

#[test]
fn text_that_kubectl_reads_as_a_boolean_is_a_warning() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: no\n  labels: {quoted: \"no\", on: off}\n";
    let warnings: Vec<_> = read(text).documents.iter().flat_map(hints::booleans).map(|it| it.to_string()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("f.yaml:4:3: Secret/no: metadata.name: kubectl reads no as false"), "{warnings:?}");
    assert!(warnings[1].contains("metadata.labels.on: kubectl reads off as false"), "{warnings:?}");
}

#[test]
fn a_name_that_is_a_number_is_told_as_one() {
    let mut manifests = Manifests::default();
    manifests.add("f.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: 123\n");
    let said = manifests.problems[0].to_string();
    assert_eq!(said, "f.yaml:4:3: Secret/123: metadata.name: Invalid value: 123: a name is text, so put it in quotes");
}

#[test]
fn a_match_that_another_one_takes_is_a_warning() {
    let route = |name: &str, matches: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  parentRefs: [{{name: web}}]\n  rules:\n  - matches: [{matches}]\n---\n"
        )
    };
    let text = route("a", "{path: {value: /x}}")
        + &route("b", "{path: {type: PathPrefix, value: /x/}}")
        + &route("c", "{path: {type: Exact, value: /x}}");
    let found: Vec<_> = repeated::matches(&read(&text).documents, None).iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("HTTPRoute/b: spec.rules[0].matches[0]: the same match is at HTTPRoute/a"), "{found:?}");
}

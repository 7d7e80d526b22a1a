//! What it costs to find out who sends a request, and whether they may.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;

use backstay_auth::{Attributes, Policy, User};
use backstay_resources::Registry;
use criterion::{Criterion, criterion_group, criterion_main};

/// A hundred groups, each bound to a role of ten rules in a namespace.
fn policy() -> Policy {
    let mut file = String::new();
    for number in 0..100 {
        let rules: String =
            (0..10).map(|rule| format!("- {{apiGroups: [g{rule}], resources: [r{rule}], verbs: [get]}}\n")).collect();
        file.push_str(&format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: n{number}}}\nrules:\n{rules}"
        ));
        file.push_str(&format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b, namespace: n{number}}}\n\
             roleRef: {{kind: Role, name: r}}\nsubjects: [{{kind: Group, name: g{number}}}]\n"
        ));
    }
    Policy::read(&Registry::built_in(), file.as_bytes()).expect("a policy")
}

fn decisions(criterion: &mut Criterion) {
    let policy = policy();
    let groups = |numbers: std::ops::Range<u32>| numbers.map(|number| format!("g{number}")).collect();
    let user = User { groups: groups(90..100), ..User::named("x") };
    let allowed = Attributes { namespace: "n99".into(), name: "x".into(), ..Attributes::resource("get", "g9", "r9") };
    let denied = Attributes { namespace: "n1".into(), ..allowed.clone() };
    criterion.bench_function("a decision that allows, the last rule of ten groups", |bencher| {
        bencher.iter(|| policy.decide(black_box(&user), black_box(&allowed)));
    });
    criterion.bench_function("a decision that denies", |bencher| {
        bencher.iter(|| policy.decide(black_box(&user), black_box(&denied)));
    });
}

criterion_group!(benches, decisions);
criterion_main!(benches);

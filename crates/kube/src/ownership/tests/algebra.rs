//! Sets of fields against sets of paths.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::set::FieldSet;

const ELEMENTS: [&str; 5] = ["f:a", "f:b", "k:{\"name\":\"x\"}", "v:\"y\"", "i:0"];

type Path = Vec<&'static str>;

fn paths() -> impl Strategy<Value = BTreeSet<Path>> {
    let path = prop::collection::vec(prop::sample::select(ELEMENTS.as_slice()), 1..4);
    prop::collection::btree_set(path, 0..12)
}

fn set(paths: &BTreeSet<Path>) -> FieldSet<'static> {
    let mut set = FieldSet::default();
    paths.iter().for_each(|path| set.insert(path));
    set
}

fn members(set: &FieldSet<'_>) -> BTreeSet<Vec<String>> {
    let mut members = BTreeSet::new();
    set.each(&mut Vec::new(), &mut |path| {
        members.insert(path.iter().map(|element| (*element).to_owned()).collect());
    });
    members
}

fn owned(paths: impl IntoIterator<Item = Path>) -> BTreeSet<Vec<String>> {
    paths.into_iter().map(|path| path.into_iter().map(str::to_owned).collect()).collect()
}

proptest! {
    #[test]
    fn operations_are_those_of_sets(one in paths(), other in paths()) {
        let (a, b) = (set(&one), set(&other));
        prop_assert_eq!(members(&a.clone().union(b.clone())), owned(one.union(&other).cloned()));
        prop_assert_eq!(members(&a.intersection(&b)), owned(one.intersection(&other).cloned()));
        let mut less = a.clone();
        less.subtract(&b);
        prop_assert_eq!(members(&less), owned(one.difference(&other).cloned()));
        prop_assert_eq!(less.is_empty(), one.is_subset(&other));
        let mut trees = a.clone();
        trees.subtract_trees(&b);
        let below = |path: &Path| (1..=path.len()).any(|length| other.contains(&path[..length]));
        prop_assert_eq!(members(&trees), owned(one.iter().filter(|path| !below(path)).cloned()));
        for path in one.union(&other) {
            prop_assert_eq!(a.has(path), one.contains(path));
        }
    }

    #[test]
    fn fields_v1_says_the_same(one in paths()) {
        let set = set(&one);
        let json = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<FieldSet<'_>>(&json).unwrap(), set);
    }
}

#[test]
fn fields_v1_is_what_kubernetes_writes() {
    let set = set(&[vec!["f:a"], vec!["f:a", "f:b"], vec!["f:b", "i:0"]].into());
    assert_eq!(serde_json::to_string(&set).unwrap(), r#"{"f:a":{".":{},"f:b":{}},"f:b":{"i:0":{}}}"#);
}

#[test]
fn equal_elements_are_one_however_they_are_written() {
    let read = |json| serde_json::from_str::<FieldSet<'_>>(json).unwrap();
    assert_eq!(read(r#"{"k:{ \"b\" : 1.0, \"a\":\"x\"}":{}}"#), read(r#"{"k:{\"a\":\"x\",\"b\":1}":{}}"#));
    assert_eq!(read(r#"{"v:\"\\u0061\"":{}}"#), read(r#"{"v:\"a\"":{}}"#));
    for wrong in [
        r#"{"x:a":{}}"#,
        r#"{"k:[]":{}}"#,
        r#"{"k:{}":{}}"#,
        r#"{"v:":{}}"#,
        r#"{"f":{}}"#,
        r#"{"f:a":1}"#,
        r#"{"é":{}}"#,
    ] {
        assert!(serde_json::from_str::<FieldSet<'_>>(wrong).is_err(), "{wrong}");
    }
    assert!(serde_json::from_str::<FieldSet<'_>>(r#"{"v:1":{},"v:1.0":{}}"#).is_err());
}

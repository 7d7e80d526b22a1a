use super::*;
use crate::Expect;

#[test]
fn a_key_that_could_not_be_read_back_is_refused() {
    let delete = |key| Write { key: Key::from_raw(key), expect: Expect::Any, operation: Operation::Delete };
    for malformed in ["", "backends", "backends/a", "backends//a/b"] {
        let error = Limits::default().check(&[delete(malformed)]).unwrap_err();
        assert!(matches!(error, CommitError::Refused(_)), "{malformed}: {error}");
    }
    assert_eq!(Limits::default().check(&[delete("backends//a")]).unwrap(), 11);
}

#[test]
fn writes_are_divided_by_number_and_by_bytes() {
    let put = |name: &str, bytes: usize| Write {
        key: Key::new("r", "", name),
        expect: Expect::Any,
        operation: Operation::Put(vec![0; bytes].into()),
    };
    let sizes = |limits: &Limits, writes: Vec<Write>| -> Vec<usize> {
        let commits = limits.divide(writes);
        for commit in commits.iter().filter(|commit| commit.len() > 1) {
            limits.check(commit).unwrap();
        }
        commits.iter().map(Vec::len).collect()
    };
    let limits = Limits { operations: 3, commit_bytes: 100, ..Limits::default() };
    assert_eq!(sizes(&limits, Vec::new()), [0; 0]);
    assert_eq!(sizes(&limits, (0..7).map(|name| put(&name.to_string(), 0)).collect()), [3, 3, 1]);
    // A key has four bytes here.
    assert_eq!(sizes(&limits, vec![put("a", 46), put("b", 46), put("c", 0)]), [2, 1]);
    assert_eq!(sizes(&limits, vec![put("a", 47), put("b", 46), put("c", 0)]), [1, 2]);
    assert_eq!(sizes(&limits, vec![put("a", 0), put("b", 1000), put("c", 0)]), [1, 1, 1]);
    assert!(limits.check(&[put("b", 1000)]).is_err());
}

#[test]
fn a_store_like_etcd_counts_guards_among_its_operations() {
    let limits = Limits { operations: 128, commit_bytes: 3 << 19, value_bytes: 3 << 19, ..Limits::default() };
    let guard = |index: usize| Write::guard(Key::new("r", "", &index.to_string()), Expect::Present);
    let put = Write { key: Key::new("r", "", "x"), expect: Expect::Any, operation: Operation::Put("v".into()) };
    let mut writes: Vec<_> = (0..127).map(guard).collect();
    writes.push(put);
    assert!(limits.check(&writes).is_ok());
    writes.push(guard(127));
    assert!(limits.check(&writes).is_err());
}

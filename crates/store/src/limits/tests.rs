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

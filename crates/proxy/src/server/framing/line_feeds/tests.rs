use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn all_are_found(bytes in prop::collection::vec(prop::sample::select(b"\n\n\r\x8a\x0b\x09a".to_vec()), 0..150), start in 0..150_usize) {
        let start = start.min(bytes.len());
        let mut found = LineFeeds::of(&bytes, start);
        let found: Vec<_> = std::iter::from_fn(|| found.next()).collect();
        let expected: Vec<_> = (start..bytes.len()).filter(|at| bytes[*at] == b'\n').collect();
        prop_assert_eq!(found, expected);
    }
}

use super::{AfterPolicy, RequestHash, hash_of, hash_of_all};

#[test]
fn hashes_are_those_of_the_reference_implementation() {
    assert_eq!(hash_of(b""), 0xef46_db37_51d8_e999);
    assert_eq!(hash_of(b"a"), 0xd24e_c4f1_a98c_6e5b);
}

#[test]
fn all_values_count_in_any_order() {
    let [mut one, mut other]: [[&[u8]; 2]; 2] = [[b"a", b"b"], [b"b", b"a"]];
    assert_eq!(hash_of_all(&mut one), hash_of_all(&mut other));
    assert_ne!(hash_of_all(&mut one), Some(hash_of(b"a")));
    assert_eq!(hash_of_all(&mut [b"a"]), Some(hash_of(b"a")));
    assert_eq!(hash_of_all(&mut []), None);
}

#[test]
fn policies_are_combined_in_order() {
    let mut hash = RequestHash::default();
    hash.add(None, AfterPolicy::Stop);
    assert_eq!((hash.get(), hash.is_done()), (None, false), "what found nothing is not the last");
    hash.add(Some(5), AfterPolicy::GoOn);
    hash.add(Some(5), AfterPolicy::GoOn);
    assert_eq!(hash.get(), Some((5 << 1) ^ 5), "the same twice does not cancel itself out");
    hash.add(None, AfterPolicy::Stop);
    assert!(hash.is_done(), "something was found up to then");
    hash.add(Some(77), AfterPolicy::GoOn);
    assert_eq!(hash.get(), Some(15));
}

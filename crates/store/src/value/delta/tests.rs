use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn delta(base: &[u8], whole: &[u8]) -> Option<Delta> {
    Delta::new(base, &Index::new(base), whole, whole.len())
}

fn applied(delta: &Delta, base: &[u8]) -> Vec<u8> {
    let mut out = b"before ".to_vec();
    delta.apply(base, &mut out);
    out.split_off(7)
}

/// A text of few words, so that two have much in common.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word =
        select(vec!["the number that follows is ", "1", "23", "a text without an end ", "2026-12-01T10:00:00Z", "{}"]);
    vec(word, 0..40).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn a_delta_gives_back_what_it_was_made_of(base in text(), whole in text()) {
        if let Some(delta) = delta(&base, &whole) {
            prop_assert_eq!(delta.len(), whole.len());
            prop_assert_eq!(applied(&delta, &base), whole);
        }
    }
}

#[test]
fn a_time_that_differs_costs_a_few_bytes() {
    let base = "and then we have known it since 2026-12-01T10:00:00Z, and after that came the rest of it".repeat(3);
    let whole = base.replace("10:00:00Z", "11:23:45Z");
    let delta = delta(base.as_bytes(), whole.as_bytes()).unwrap();
    assert_eq!(applied(&delta, base.as_bytes()), whole.as_bytes());
    assert!(delta.size() < 50, "{}", delta.size());
}

#[test]
fn a_name_of_another_length_costs_a_few_bytes() {
    let base = b"the object with the name of a, which has many fields of which none is of any interest".as_slice();
    let whole =
        b"the object with the name of another, which has many fields of which none is of any interest".as_slice();
    let delta = delta(base, whole).unwrap();
    assert_eq!(applied(&delta, base), whole);
    assert!(delta.size() < 24, "{}", delta.size());
}

#[test]
fn what_has_nothing_in_common_has_no_delta() {
    let (base, whole) = ("abcdefgh".repeat(30), "ijklmnop".repeat(30));
    assert!(Delta::new(base.as_bytes(), &Index::new(base.as_bytes()), whole.as_bytes(), whole.len() / 2).is_none());
}

#[test]
fn the_longest_base_is_found_in_to_its_end() {
    let base: Vec<u8> =
        (0..LONGEST as u32 / 4).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let whole = &base[LONGEST - 100..];
    let delta = delta(&base, whole).unwrap();
    assert_eq!(applied(&delta, &base), whole);
    assert!(delta.size() < 15, "{}", delta.size());
}

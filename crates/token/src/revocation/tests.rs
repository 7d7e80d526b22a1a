use proptest::prelude::*;

use super::*;

#[test]
fn of_what_is_not_revoked_little_is_said_to_be() {
    let revoked: Vec<_> = (0..10_000).map(|index| format!("jti-{index}")).collect();
    let filter = Filter::of(revoked.iter().map(String::as_str), 0.01);
    assert!(revoked.iter().all(|entry| filter.has(entry)));
    let wrong = (0..100_000).filter(|index| filter.has(&format!("other-{index}"))).count();
    assert!(wrong < 1_500, "{wrong} of 100000");
}

#[test]
fn a_filter_is_read_as_it_was_written() {
    let filter = Filter::of(["jti-a"].into_iter(), 1e-7);
    let bits = u64::try_from(filter.bytes().len()).unwrap() * 8;
    assert_eq!(Filter::read(bits, filter.hashes(), filter.bytes()).as_ref(), Ok(&filter));
    assert_eq!(Filter::read(bits * 2, filter.hashes(), filter.bytes()), Err(FilterError::Length));
    assert_eq!(Filter::read(100, 1, &[0; 13]), Err(FilterError::Bits));
    assert_eq!(Filter::read(1 << 40, 1, &[]), Err(FilterError::Bits));
    assert_eq!(Filter::read(bits, 0, filter.bytes()), Err(FilterError::Hashes));
}

#[test]
fn an_empty_filter_says_nothing() {
    let filter = Filter::of(std::iter::empty::<&str>(), 1e-7);
    assert!(!filter.has("") && !filter.has("jti-a"));
}

#[test]
fn claims_that_are_text_are_looked_up() {
    let filter = Filter::of(["jti-abc", "sub-7"].into_iter(), 1e-7);
    let claims = |json: &str| Claims::new(crate::json::object(json.as_bytes()).unwrap()).unwrap();
    let names = ["jti".to_owned(), "sub".to_owned()];
    assert!(filter.has_claim(&claims(r#"{"jti":"abc"}"#), &names));
    assert!(filter.has_claim(&claims(r#"{"jti":"x","sub":"7"}"#), &names));
    assert!(!filter.has_claim(&claims(r#"{"jti":"x"}"#), &names));
    assert!(!filter.has_claim(&claims(r#"{"aud":"abc"}"#), &names));
}

proptest! {
    #[test]
    fn what_is_revoked_is_always_found(entries in proptest::collection::vec(".{0,20}", 0..50), error in 1e-12..0.5) {
        let filter = Filter::of(entries.iter().map(String::as_str), error);
        prop_assert!(entries.iter().all(|entry| filter.has(entry)));
    }
}

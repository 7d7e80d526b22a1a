use bytes::Bytes;

use super::{BYTES, Own};

fn word(name: &str, text: &'static str) -> (String, Option<Bytes>) {
    (name.to_owned(), Some(Bytes::from_static(text.as_bytes())))
}

#[test]
fn of_each_name_the_newest_is_told_after_what_came_before_it() {
    let own = Own::default();
    own.set(vec![word("fleet", "1"), word("at", "1")]);
    own.set(vec![word("fleet", "2")]);
    assert_eq!(own.next(), [word("at", "1"), word("fleet", "2")]);
    assert_eq!(own.next(), []);
    own.set(vec![("fleet".to_owned(), None)]);
    assert_eq!(own.next(), [("fleet".to_owned(), None)]);
}

#[test]
fn under_a_new_lease_all_is_told_again() {
    let own = Own::default();
    own.set(vec![word("a", "1"), word("b", "1")]);
    own.next();
    own.set(vec![word("a", "2")]);
    own.all_again();
    assert_eq!(own.next(), [word("b", "1"), word("a", "2")]);
}

#[test]
fn what_could_not_be_told_is_told_before_what_came_meanwhile_unless_it_is_older() {
    let own = Own::default();
    own.set(vec![word("a", "1"), word("b", "1")]);
    let failed = own.next();
    own.set(vec![word("a", "2")]);
    own.again(failed);
    assert_eq!(own.next(), [word("b", "1"), word("a", "2")]);
}

#[test]
fn a_transaction_stays_below_what_etcd_takes() {
    let own = Own::default();
    let large = Bytes::from(vec![0; BYTES / 2]);
    own.set((0..3).map(|index| (index.to_string(), Some(large.clone()))).collect());
    assert_eq!(own.next().len(), 1);
    own.set((10..300).map(|index| (index.to_string(), None)).collect());
    own.next();
    own.next();
    assert_eq!(own.next().len(), 100);
}

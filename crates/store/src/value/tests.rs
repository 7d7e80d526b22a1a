use super::*;
use crate::Key;

fn kept() -> [Value; 3] {
    let mut bases = Bases::default();
    let key = Key::new("a", "", "a");
    let text = "something that is long enough to be told by another, ".repeat(10);
    let base = bases.keep(&key, text.clone().into());
    [base, bases.keep(&key, text.clone().into()), text.into()]
}

#[test]
fn a_value_is_equal_to_its_bytes_however_it_is_kept() {
    let all = kept();
    for one in &all {
        for other in &all {
            assert_eq!(one, other);
            assert_eq!(*one, other.to_bytes());
            assert_eq!(*one, *other.bytes());
        }
        assert_ne!(*one, "something else");
    }
}

#[test]
fn a_value_takes_no_more_room_than_bytes() {
    assert_eq!(size_of::<Value>(), size_of::<Bytes>());
}

#[test]
fn debug_output_shows_nothing_of_an_object() {
    assert!(kept().iter().all(|value| format!("{value:?}") == "530 bytes"));
}

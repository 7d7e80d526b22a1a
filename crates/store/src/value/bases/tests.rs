use super::*;

fn key(resource: &str) -> Key {
    Key::new(resource, "", "a")
}

/// An object as one of many that are alike.
fn alike(what: &str, number: usize) -> Bytes {
    format!("{{\"number\":{number},\"what\":\"{}\"}}", format!("{what} and ").repeat(40)).into()
}

fn is_delta(value: &Value) -> bool {
    matches!(value.0, Form::Told(_, Some(_)))
}

#[test]
fn values_that_are_alike_are_kept_once() {
    let mut bases = Bases::default();
    let kept: Vec<_> = (0..100).map(|number| bases.keep(&key("a"), alike("one", number))).collect();
    assert_eq!(kept.iter().filter(|value| is_delta(value)).count(), 99);
    for (number, value) in kept.iter().enumerate() {
        assert_eq!(*value, alike("one", number));
        assert_eq!(value.len(), alike("one", number).len());
    }
}

#[test]
fn a_resource_has_bases_for_objects_of_several_shapes() {
    let mut bases = Bases::default();
    let shapes = ["one", "something else", "and a third", "the last"];
    let kept: Vec<_> = (0..400).map(|number| bases.keep(&key("a"), alike(shapes[number % 4], number))).collect();
    // Each of the others has to come a few times before it is a base.
    let late = kept.iter().skip(200);
    assert!(late.clone().all(is_delta), "{}", late.filter(|value| !is_delta(value)).count());
}

#[test]
fn resources_have_bases_of_their_own() {
    let mut bases = Bases::default();
    let _first = bases.keep(&key("a"), alike("one", 1));
    assert!(!is_delta(&bases.keep(&key("b"), alike("one", 2))));
}

#[test]
fn a_base_lives_as_long_as_a_value_that_is_told_by_it() {
    let mut bases = Bases::default();
    let first = bases.keep(&key("a"), alike("one", 1));
    let second = bases.keep(&key("a"), alike("one", 2));
    drop(first);
    assert_eq!(second, alike("one", 2));
    drop(second);
    assert!(!is_delta(&bases.keep(&key("a"), alike("one", 3))), "nobody had it any more");
}

#[test]
fn what_is_short_or_very_long_is_kept_whole() {
    let mut bases = Bases::default();
    for whole in ["x".repeat(SHORTEST - 1), "x".repeat(LONGEST + 1)] {
        let kept: Vec<_> = (0..3).map(|_| bases.keep(&key("a"), whole.clone().into())).collect();
        assert!(kept.iter().all(|value| !is_delta(value) && *value == whole));
    }
}

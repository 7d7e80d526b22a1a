use super::*;

fn path() -> FieldPath {
    FieldPath::new("spec").child("list").index(2).child("map").key("a/b")
}

#[test]
fn paths() {
    assert_eq!(path().as_str(), "spec.list[2].map[a/b]");
    assert_eq!(FieldPath::default().child("a"), FieldPath::new("a"));
    let list = FieldPath::new("spec").child("list");
    assert!(path().touches(&list) && list.touches(&path()) && list.touches(&list));
    assert!(path().touches(&FieldPath::default()));
    assert!(!FieldPath::new("spec").child("listen").touches(&list));
    assert!(!list.index(1).touches(&list.index(10)));
}

#[test]
fn sentences_of_kubernetes() {
    let cases = [
        (FieldError::required(path(), ""), "Required value"),
        (FieldError::required(path(), "why"), "Required value: why"),
        (FieldError::invalid(path(), "x\"y", "why"), r#"Invalid value: "x\"y": why"#),
        (FieldError::invalid(path(), 5, "why"), "Invalid value: 5: why"),
        (FieldError::invalid_hidden(path(), "why"), r#"Invalid value: "(hidden)": why"#),
        (FieldError::not_supported(path(), "x", &["a", "b"]), r#"Unsupported value: "x": supported values: "a", "b""#),
        (FieldError::forbidden(path(), "why"), "Forbidden: why"),
        (FieldError::duplicate(path(), "x"), r#"Duplicate value: "x""#),
        (FieldError::too_long(path(), 5), "Too long: may not be more than 5 bytes"),
        (FieldError::too_many(path(), 9, 5), "Too many: 9: must have at most 5 items"),
    ];
    for (error, message) in cases {
        assert_eq!(error.to_string(), format!("spec.list[2].map[a/b]: {message}"));
    }
    assert_eq!(FieldError::forbidden(FieldPath::default(), "why").to_string(), "Forbidden: why");
}

#[test]
fn long_values_are_shortened() {
    let error = FieldError::invalid(path(), "\u{e9}".repeat(1_000_000), "why");
    assert!(error.message.len() < 600 && error.message.ends_with("...: why"), "{}", error.message);
}

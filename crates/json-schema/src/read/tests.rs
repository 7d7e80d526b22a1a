use proptest::prelude::*;

use super::*;

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
}

#[test]
fn documents_are_read_as_go_reads_them() {
    let number = |literal: &str| Value::Number(literal.into());
    let text = |text: &str| Value::String(text.into());
    for (written, expected) in [
        (
            r#" {"b":1,"a":[true,false,null],"b":2.50e+3} trailing"#,
            object(&[
                ("a", Value::Array(vec![Value::Bool(true), Value::Bool(false), Value::Null])),
                ("b", number("2.50e+3")),
            ]),
        ),
        ("-0.0", number("-0.0")),
        ("12abc", number("12")),
        ("01", number("0")),
        (r#""\u00e9\ud83d\ude00\ud83d\n\/""#, text("é😀\u{fffd}\n/")),
        ("[]", Value::Array(Vec::new())),
        ("{}", object(&[])),
    ] {
        assert_eq!(read(written.as_bytes()), Ok(expected), "{written}");
    }
    assert_eq!(read(b"\"a\xffb\""), Ok(text("a\u{fffd}b")));
}

#[test]
fn what_is_no_json_is_refused() {
    for written in [
        "",
        " ",
        "{",
        "[1,",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "nul",
        "-",
        "1.",
        "1e",
        ".5",
        "\"\t\"",
        "\"a",
        "\"\\x\"",
        "'a'",
    ] {
        assert_eq!(read(written.as_bytes()), Err(ReadError::Syntax), "{written}");
    }
}

#[test]
fn nesting_and_number_of_values_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(nested(Value::MAX_DEPTH as usize).as_bytes()).is_ok());
    assert_eq!(read(nested(Value::MAX_DEPTH as usize + 1).as_bytes()), Err(ReadError::Depth));
    let many = |values: usize| format!("[{}]", vec!["1"; values - 1].join(","));
    assert!(read(many(Value::MAX_VALUES as usize).as_bytes()).is_ok());
    assert_eq!(read(many(Value::MAX_VALUES as usize + 1).as_bytes()), Err(ReadError::Values));
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn what_others_read_is_read(text in r#"[ \[\]{}:,"a-c0-2.eE\\u+-]{0,40}"#) {
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(read(text.as_bytes()).is_ok(), "{}", text);
        }
    }
}

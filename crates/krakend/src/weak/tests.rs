use super::*;
use crate::document::{Document, Format};

fn node(text: &str) -> Node {
    Document::read(text, Format::Json).unwrap().root
}

#[test]
fn texts_take_scalars() {
    for (written, read) in
        [("\"a\"", "a"), ("8080", "8080"), ("1.50", "1.50"), ("true", "1"), ("false", "0"), ("[]", ""), ("null", "")]
    {
        assert_eq!(text(&node(written)), Ok(read.to_owned()), "{written}");
    }
    for written in ["{}", "[\"a\"]"] {
        assert!(text(&node(written)).is_err(), "{written}");
    }
}

#[test]
fn truths_take_numbers_and_the_words_of_go() {
    for written in ["true", "1", "0.5", "-1", "\"true\"", "\"T\"", "\"1\""] {
        assert_eq!(truth(&node(written)), Ok(true), "{written}");
    }
    for written in ["false", "0", "\"false\"", "\"0\"", "\"\""] {
        assert_eq!(truth(&node(written)), Ok(false), "{written}");
    }
    for written in ["\"yes\"", "\"tRue\"", "[]", "{}"] {
        assert!(truth(&node(written)).is_err(), "{written}");
    }
}

#[test]
fn integers_take_texts_fractions_and_truths() {
    for (written, read) in [
        ("8080", 8080),
        ("\"8080\"", 8080),
        ("1.9", 1),
        ("-1.9", -1),
        ("1e3", 1000),
        ("true", 1),
        ("\"\"", 0),
        ("\"0x10\"", 16),
        ("\"010\"", 8),
        ("\"0b11\"", 3),
        ("\"-5\"", -5),
    ] {
        assert_eq!(integer(&node(written)), Ok(read), "{written}");
    }
    for written in ["\"1.5\"", "\"a\"", "\"--1\"", "\"+-1\"", "1e30", "[]", "{}", "\"08\"", "\" 1\""] {
        assert!(integer(&node(written)).is_err(), "{written}");
    }
}

#[test]
fn numbers_are_nanoseconds_of_a_duration_and_small_ones_are_doubted() {
    assert_eq!(span(&node("\"3s\"")), Ok((Duration::from_secs(3), None)));
    assert_eq!(span(&node("3000000000")), Ok((Duration::from_secs(3), None)));
    assert_eq!(span(&node("0")), Ok((Duration::ZERO, None)));
    let (read, advice) = span(&node("3000")).unwrap();
    assert_eq!(read, Duration::from_micros(3));
    assert!(advice.unwrap().contains("nanoseconds, so this is 3µs"));
    for written in ["\"3\"", "\"soon\"", "-5", "[]", "{}"] {
        assert!(span(&node(written)).is_err(), "{written}");
    }
}

#[test]
fn one_value_is_a_list_of_one() {
    assert_eq!(list(&node("\"a\"")).len(), 1);
    assert_eq!(list(&node("{\"a\": 1}")).len(), 1);
    assert_eq!(list(&node("{}")).len(), 0);
    assert_eq!(list(&node("[1, 2]")).len(), 2);
    assert_eq!(list(&node("null")).len(), 0);
}

#[test]
fn a_list_of_objects_is_one_object() {
    let read = |written: &str| {
        let read = texts(&node(written))?;
        Ok::<_, String>(read.into_iter().map(|(name, value)| format!("{}={value}", name.value)).collect::<Vec<_>>())
    };
    assert_eq!(read(r#"{"a": "b", "c": null, "d": 1}"#).unwrap(), ["a=b", "c=", "d=1"]);
    assert_eq!(read(r#"[{"a": "b"}, {"c": "d", "a": "e"}]"#).unwrap(), ["a=e", "c=d"]);
    assert_eq!(read("[]").unwrap().len(), 0);
    for written in [r#"["a"]"#, r#"[{"a": "b"}, 1]"#, "\"a\"", r#"{"a": {}}"#] {
        assert!(read(written).is_err(), "{written}");
    }
}

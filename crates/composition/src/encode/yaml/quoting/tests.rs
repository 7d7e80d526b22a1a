use super::{is_needed, write};

#[test]
fn quoted_is_what_would_be_anything_but_that_text() {
    let quoted = [
        "",
        "~",
        "null",
        "True",
        "no",
        "OFF",
        "-",
        "1",
        "-0",
        "+5",
        "1.0",
        ".5",
        "1.",
        "1.5e3",
        "0x1F",
        "0b11",
        "0o17",
        "017",
        "1_000",
        "99999999999999999999999",
        "2023-01-02",
        "2024-02-29",
        "2023-01-02 03:04:05",
        "2023-01-02T03:04:05Z",
        "2023-01-02t03:04:05.25+02:00",
        "12:30",
        "*a",
        "&a",
        "[a",
        "{a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'a",
        "\"a",
        " a",
        "a ",
        "a:",
        "a: b",
        "a - b",
        "a # b",
        "a#b",
        "a\\b",
        "a\tb",
        "a\u{2028}",
        "\n a",
    ];
    for text in quoted {
        assert!(is_needed(text), "{text:?}");
    }
    let plain = [
        "a",
        "1e3",
        "10.0.0.1",
        "089",
        "1 a",
        "a:b",
        "http://a/b?c=d",
        "a-b",
        "<b>",
        "a & b",
        "é",
        "😀",
        "yEs",
        "2023-02-29",
        "2023-01-02X",
        "24:00",
        "a,b",
        "a\"b",
        "nan",
        "_1",
        "(x)",
        "a\nb",
    ];
    for text in plain {
        assert!(!is_needed(text), "{text:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_escaped() {
    let mut out = Vec::new();
    write("a\"\\\n\t\u{1}\u{7f}\u{a0}\u{2028}é<&>😀\u{e0001}", &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), r#""a\"\\\n\t\x01\x7f\u00a0\u2028é<&>😀\U000e0001""#);
}

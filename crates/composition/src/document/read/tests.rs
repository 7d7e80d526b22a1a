//! What is read, and what is not.

use bytes::Bytes;

use super::*;
use crate::document::{Keep, Shape, Uncovered};

fn decoded(shape: Shape, json: &[u8], limits: &Limits) -> Result<Option<String>, String> {
    let reading = Reading { shape, target: &[], keep: Keep::All, uncovered: Uncovered::No, arrays: false };
    let top = read(Bytes::copy_from_slice(json), &reading, limits).map_err(|error| error.to_string())?;
    Ok(top.map(|object| {
        let body = crate::encode::Encoder::Json.encode(Some(object), &http::HeaderMap::new()).body;
        String::from_utf8(body.to_vec()).expect("JSON is UTF-8")
    }))
}

fn object(json: &[u8]) -> Result<String, String> {
    decoded(Shape::Object, json, &Limits::default()).map(|written| written.unwrap_or_else(|| "nothing".to_owned()))
}

#[test]
fn documents_are_written_byte_for_byte() {
    let cases: &[(&str, &[u8], &str)] = &[
        (
            "numbers keep their literals",
            br#"{"a":1.0,"b":1e3,"c":-0,"d":12345678901234567890,"e":1E+2}"#,
            r#"{"a":1.0,"b":1e3,"c":-0,"d":12345678901234567890,"e":1E+2}"#,
        ),
        ("names are sorted by bytes", br#"{"b":1,"a":2,"B":3,"":4}"#, r#"{"":4,"B":3,"a":2,"b":1}"#),
        ("the last of equal names counts", br#"{"a":1,"b":2,"a":{"x":3}}"#, r#"{"a":{"x":3},"b":2}"#),
        ("names are compared as texts", br#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
        ("names differ by case", br#"{"a":1,"A":2}"#, r#"{"A":2,"a":1}"#),
        ("blanks go", b" { \"a\" :\n[ 1 ,\t2 ] , \"b\" : { } } ", r#"{"a":[1,2],"b":{}}"#),
        ("HTML is escaped", br#"{"a":"<b>&"}"#, r#"{"a":"\u003cb\u003e\u0026"}"#),
        ("names are escaped as well", br#"{"<":1}"#, r#"{"\u003c":1}"#),
        (
            "line separators are escaped",
            "{\"a\":\"\u{2028}\u{2029}\u{2027}\"}".as_bytes(),
            "{\"a\":\"\\u2028\\u2029\u{2027}\"}",
        ),
        ("a solidus loses its escape", br#"{"a":"\/"}"#, r#"{"a":"/"}"#),
        ("what needs no escape loses it", br#"{"a":"\u0041\u00e9\ud83d\ude00"}"#, "{\"a\":\"Aé😀\"}"),
        ("controls keep theirs", br#"{"a":"\u0001\b\f\n\r\t\u007f"}"#, "{\"a\":\"\\u0001\\b\\f\\n\\r\\t\u{7f}\"}"),
        (
            "lone surrogates are replaced",
            br#"{"a":"\ud800x\udc00\ud800\ud800"}"#,
            "{\"a\":\"\u{fffd}x\u{fffd}\u{fffd}\u{fffd}\"}",
        ),
        (
            "what is not UTF-8 is replaced, a byte each",
            b"{\"a\":\"\xff\xe2\x28\xf0\x9f\x98\"}",
            "{\"a\":\"\u{fffd}\u{fffd}(\u{fffd}\u{fffd}\u{fffd}\"}",
        ),
        ("so it is in names", b"{\"\xff\":1,\"\xfe\":2}", "{\"\u{fffd}\":2}"),
        ("what follows is ignored", br#"{"a":1}{"b":2} nonsense"#, r#"{"a":1}"#),
        ("nothing is nothing", b" null", "nothing"),
    ];
    for (what, json, expected) in cases {
        assert_eq!(object(json).as_deref(), Ok(*expected), "{what}");
    }
}

#[test]
fn faults_are_told_in_the_words_of_go() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "EOF"),
        (b" \n", "EOF"),
        (b"{", "unexpected EOF"),
        (br#"{"a":"#, "unexpected EOF"),
        (br#"{"a":"b"#, "unexpected EOF"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"<html>", "invalid character '<' looking for beginning of value"),
        (b"{x", "invalid character 'x' looking for beginning of object key string"),
        (br#"{"a" 1}"#, "invalid character '1' after object key"),
        (br#"{"a":1 2}"#, "invalid character '2' after object key:value pair"),
        (br#"{"a":1,}"#, "invalid character '}' looking for beginning of object key string"),
        (br#"{"a":[1 2]}"#, "invalid character '2' after array element"),
        (br#"{"a":[1,]}"#, "invalid character ']' looking for beginning of value"),
        (br#"{"a":01}"#, "invalid character '1' after object key:value pair"),
        (br#"{"a":-}"#, "invalid character '}' in numeric literal"),
        (br#"{"a":1.}"#, "invalid character '}' after decimal point in numeric literal"),
        (br#"{"a":1e}"#, "invalid character '}' in exponent of numeric literal"),
        (br#"{"a":trux}"#, "invalid character 'x' in literal true (expecting 'e')"),
        (br#"{"a":nul}"#, "invalid character '}' in literal null (expecting 'l')"),
        (b"{\"a\":\"\n\"}", "invalid character '\\n' in string literal"),
        (br#"{"a":"\x"}"#, "invalid character 'x' in string escape code"),
        (br#"{"a":"\u12g4"}"#, "invalid character 'g' in \\u hexadecimal character escape"),
        (b"'", "invalid character '\\'' looking for beginning of value"),
        (b"\x00", "invalid character '\\x00' looking for beginning of value"),
        (b"\xff", "invalid character 'ÿ' looking for beginning of value"),
        (b"[1]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b"\"a\"", "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (b"1", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"),
        (b"[1", "unexpected EOF"),
    ];
    for (json, expected) in cases {
        assert_eq!(object(json), Err((*expected).to_owned()), "{}", String::from_utf8_lossy(json));
    }
}

#[test]
fn shapes_are_wrapped() {
    let limits = Limits::default();
    let of = |shape, json: &str| decoded(shape, json.as_bytes(), &limits);
    assert_eq!(
        of(Shape::Array, " [ 1 , {\"b\":1,\"a\":2} ]"),
        Ok(Some(r#"{"collection":[1,{"a":2,"b":1}]}"#.to_owned()))
    );
    assert_eq!(of(Shape::Array, "null"), Ok(Some(r#"{"collection":null}"#.to_owned())));
    let refused = "json: cannot unmarshal object into Go value of type []interface {}";
    assert_eq!(of(Shape::Array, "{}"), Err(refused.to_owned()));
    assert_eq!(of(Shape::Any, r#"{"a":1}"#), Ok(Some(r#"{"a":1}"#.to_owned())));
    assert_eq!(of(Shape::Any, "[]"), Ok(Some(r#"{"collection":[]}"#.to_owned())));
    assert_eq!(of(Shape::Any, "1.50"), Ok(Some(r#"{"content":1.50}"#.to_owned())));
    assert_eq!(of(Shape::Any, "null"), Ok(Some(r#"{"content":null}"#.to_owned())));
}

#[test]
fn limits_are_kept() {
    let deep = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth) + "1", "}".repeat(depth));
    let limits = Limits { depth: 5, values: 12, ..Limits::default() };
    assert!(decoded(Shape::Object, deep(5).as_bytes(), &limits).is_ok());
    assert_eq!(decoded(Shape::Object, deep(6).as_bytes(), &limits), Err("exceeded max depth".to_owned()));
    assert!(decoded(Shape::Array, b"[1,2,3,4,5,6,7,8,9,0,1]", &limits).is_ok());
    let many = decoded(Shape::Array, b"[1,2,3,4,5,6,7,8,9,0,1,2]", &limits);
    assert_eq!(many, Err("the answer has more than 12 values".to_owned()));
    // However deep a plan asks for, what is read never calls itself more often than that.
    let limits = Limits { depth: u32::MAX, ..Limits::default() };
    let deepest = Limits::DEEPEST as usize;
    assert!(decoded(Shape::Object, deep(deepest).as_bytes(), &limits).is_ok());
    assert_eq!(decoded(Shape::Object, deep(deepest + 1).as_bytes(), &limits), Err("exceeded max depth".to_owned()));
    assert!(decoded(Shape::Object, "[".repeat(1 << 20).as_bytes(), &limits).is_err());
}

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::{Header, Named, Pseudo};

/// Writes `format` with `value` for all operators but times, which are of 2026.
fn written(format: &str, value: Option<&[u8]>) -> String {
    let mut out = Vec::new();
    Text::parse(format).unwrap().write(&mut out, |operator, out| match operator {
        Operator::StartTime(time) => {
            time.write(UNIX_EPOCH + Duration::from_micros(1_767_323_045_678_901), out);
            true
        }
        _ => {
            out.extend_from_slice(value.unwrap_or_default());
            value.is_some()
        }
    });
    String::from_utf8(out).unwrap()
}

#[test]
fn pieces() {
    let text = Text::parse("100%% %REQ(X-A?:PATH):3%|%RESPONSE_CODE%").unwrap();
    let header = Header::Named("x-a".parse().unwrap());
    let expected = [
        Piece::Literal("100% ".into()),
        Piece::Operator(Operator::Request(header, Some(Header::Pseudo(Pseudo::Path))), Some(3)),
        Piece::Literal("|".into()),
        Piece::Operator(Operator::Status, None),
    ];
    assert_eq!(text.0, expected);
    assert_eq!(text.operators().flat_map(Operator::request_headers).collect::<Vec<_>>(), ["x-a"]);
}

#[test]
fn values() {
    assert_eq!(written("[%REQ(X-A):3%] %PROTOCOL%", Some(b"abcdef")), "[abc] abcdef");
    assert_eq!(written("\"%REQ(X-A)%\"", None), "\"-\"");
    assert_eq!(written("%REQ(A)%", Some(b"a\"b\\c\nd\x1b[2J\xff\xc2\x9b")), r#"a\"b\\c\nd\x1b[2J\xff\xc2\x9b"#);
}

#[test]
fn times() {
    for (format, expected) in [
        ("%START_TIME%", "2026-01-02T03:04:05.678Z"),
        ("%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%", "2026/01/02T03:04:05+0000 1767323045"),
        ("%START_TIME(%d/%b/%Y:%H:%M:%S %z)%", "02/Jan/2026:03:04:05 +0000"),
        ("%START_TIME(%s.%3f)%", "1767323045.678"),
        ("%START_TIME(%H:%M:%E6S)%", "03:04:05.678901"),
        ("%START_TIME(%f)%", "678901000"),
    ] {
        assert_eq!(written(format, None), expected, "{format}");
    }
}

#[test]
fn what_cannot_be_honoured_is_named() {
    for (format, says) in [
        ("%", "begins at byte 0"),
        ("a\nb\n", "what follows byte 1"),
        ("a %REQ(X-A% b", "begins at byte 2"),
        ("%NOTHING%", "there is no operator \"NOTHING\"; there are START_TIME, REQ"),
        ("%DYNAMIC_METADATA(a:b)%", "there is no operator \"DYNAMIC_METADATA\""),
        ("%PROTOCOL(x)%", "PROTOCOL takes nothing"),
        ("%REQ%", "REQ needs the name"),
        ("%REQ()%", "REQ needs the name"),
        ("%RESP(a b)%", "\"a b\" is not the name of a header"),
        ("%RESP(:PATH)%", "\":PATH\" is not the name"),
        ("%REQ(A):x%", "\":x\" is not a length"),
        ("%REQ(A):0%", "is not a length"),
        ("%START_TIME(%~)%", "is not understood"),
    ] {
        let error = Text::parse(format).unwrap_err().to_string();
        assert!(error.contains(says), "{format}: {error}");
    }
    assert_eq!(Text::parse(&"x".repeat(MAX_FORMAT + 1)), Err(FormatError::TooLong));
}

#[test]
fn formats_with_a_name_are_formats() {
    for name in ["envoy", "common", "combined"] {
        let named = Named::of(name).unwrap();
        assert_eq!(Ok(named.text()), Text::parse(named.format()));
    }
    let line = written(Named::Common.format(), Some(b"v"));
    assert_eq!(line, "v - - [02/Jan/2026:03:04:05 +0000] \"v v v\" v v");
}

proptest! {
    /// Whatever is written as a format is read or refused, and whatever a client sends stays within its line.
    #[test]
    fn nothing_leaves_its_line(format in "[ -~]{0,40}", value in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(text) = Text::parse(&format) {
            let mut out = Vec::new();
            text.write(&mut out, |_, out| {
                out.extend_from_slice(&value);
                true
            });
            let written = std::str::from_utf8(&out);
            prop_assert!(written.is_ok_and(|line| !line.contains(char::is_control)));
        }
    }
}

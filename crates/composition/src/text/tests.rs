//! Strings, read and written.

use proptest::prelude::*;

use super::*;

fn written(text: &[u8]) -> String {
    let mut out = Vec::new();
    write_string(&mut out, text);
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn every_byte_ends_a_run_or_does_not_wherever_it_stands() {
    for byte in 0..=255u8 {
        let stops = !(0x20..0x80).contains(&byte) || b"\"\\<>&".contains(&byte);
        for length in 1..20 {
            for at in 0..length {
                let mut text = vec![b'x'; length];
                text[at] = byte;
                assert_eq!(plain_end(&text, 0), if stops { at } else { length }, "{byte:#x} at {at} of {length}");
            }
        }
    }
}

#[test]
fn what_is_not_utf8_is_written_as_an_escape() {
    assert_eq!(written(b"a\xff\xe2\x28\xf0\x9f\x98"), r#""a\ufffd\ufffd(\ufffd\ufffd\ufffd""#);
    assert_eq!(written("a\u{fffd}é\u{2028}😀\u{2029}".as_bytes()), "\"a\u{fffd}é\\u2028😀\\u2029\"");
    assert_eq!(
        written(b"\x00\x08\x0c\n\r\t\x1f\x7f<>&\"\\/"),
        "\"\\u0000\\b\\f\\n\\r\\t\\u001f\u{7f}\\u003c\\u003e\\u0026\\\"\\\\/\""
    );
}

proptest! {
    #[test]
    fn a_run_ends_where_it_ends(text in prop::collection::vec(any::<u8>(), 0..40), from in 0..40usize) {
        let from = from.min(text.len());
        let stops = |byte: &u8| !(0x20..0x80).contains(byte) || b"\"\\<>&".contains(byte);
        let end = text[from..].iter().position(stops).map_or(text.len(), |at| from + at);
        prop_assert_eq!(plain_end(&text, from), end);
    }

    #[test]
    fn text_comes_back(text in "\\PC{0,40}|[\\x00-\\x7f\u{2028}é😀]{0,40}") {
        let json = written(text.as_bytes());
        prop_assert_eq!(&*unescape(&json.as_bytes()[1..json.len() - 1]), text.as_bytes());
        prop_assert_eq!(serde_json::from_str::<String>(&json).expect("it is JSON"), text);
    }

    #[test]
    fn any_bytes_are_written_as_json(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let read: String = serde_json::from_str(&written(&bytes)).expect("it is JSON");
        let replaced = bytes.utf8_chunks().map(|chunk| {
            chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len())
        });
        prop_assert_eq!(read, replaced.collect::<String>());
    }

    #[test]
    fn anything_between_quotes_is_read(raw in prop::collection::vec(any::<u8>(), 0..40)) {
        // What has not been checked is not what this is for, but it ends, and without a panic.
        unescape(&raw);
    }
}

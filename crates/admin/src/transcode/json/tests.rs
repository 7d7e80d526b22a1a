use serde_json::{Map, Value, json};

use super::{Expected, LIST, OBJECT, Reader};

/// The value that a reader makes of a text.
fn value(reader: &mut Reader<'_>) -> Result<Value, Expected> {
    match reader.token() {
        Some(b'{') => {
            let mut fields = Map::new();
            let mut more = reader.begin(OBJECT)?;
            while more {
                let name = reader.name()?;
                fields.insert(name.into_owned(), value(reader)?);
                more = reader.more(OBJECT)?;
            }
            Ok(fields.into())
        }
        Some(b'[') => {
            let mut items = Vec::new();
            let mut more = reader.begin(LIST)?;
            while more {
                items.push(value(reader)?);
                more = reader.more(LIST)?;
            }
            Ok(items.into())
        }
        Some(b'"') => {
            let quoted = reader.quoted()?;
            let text = quoted.text()?;
            // Where it is spelt as it is, its bytes are to be had as well.
            assert!(quoted.plain().is_none_or(|plain| plain == text.as_bytes()));
            assert_eq!(quoted.plain().is_none(), quoted.whole.contains('\\'));
            Ok(text.into_owned().into())
        }
        _ => {
            let word = reader.word()?;
            serde_json::from_str(word).map_err(|_| Expected("a word"))
        }
    }
}

#[test]
fn what_is_read_is_what_was_written() {
    let written = json!({
        "": [], "a": {}, "b": [[], [1, -2.5e10, true, null]], "quote\"d": "ümläut \\\" \n \u{1f600}", "last\\": {"x": {"y": ["z\\"]}},
    });
    for text in [written.to_string(), serde_json::to_string_pretty(&written).unwrap()] {
        let mut reader = Reader::new(&text);
        assert_eq!(value(&mut reader), Ok(written.clone()));
        assert_eq!(reader.end(), Ok(()));
        let mut reader = Reader::new(&text);
        assert_eq!(reader.any(), Ok(text.as_str()));
        assert_eq!(reader.end(), Ok(()));
    }
}

#[test]
fn texts_of_every_length_end_at_their_quotes() {
    for length in 0..40 {
        for escape in 0..=length {
            let mut text = "x".repeat(length);
            assert_eq!(value(&mut Reader::new(&format!("\"{text}\""))), Ok(json!(text)));
            text.insert(escape, '"');
            let spelt = format!("[{},\"\"]", json!(text));
            assert_eq!(value(&mut Reader::new(&spelt)), Ok(json!([text, ""])));
        }
    }
}

#[test]
fn what_is_expected_is_passed_if_it_is_there() {
    let mut reader = Reader::new(r#""name":1"#);
    assert!(!reader.passes(br#""names":"#));
    assert!(!reader.passes(br#""name":1,"#));
    assert!(reader.passes(br#""name":"#));
    assert_eq!((reader.word(), reader.passes(b"x"), reader.end()), (Ok("1"), false, Ok(())));
}

#[test]
fn what_is_skipped_ends_where_it_ends() {
    for text in [r#"{"a":"}]","b":["\\\"]"]}"#, "[[[]]]", "-1.5e3", "null", r#""\\""#] {
        let list = format!("[{text},7]");
        let mut reader = Reader::new(&list);
        assert_eq!((reader.begin(LIST), reader.any(), reader.more(LIST)), (Ok(true), Ok(text), Ok(true)));
        assert_eq!((reader.any(), reader.more(LIST), reader.end()), (Ok("7"), Ok(false), Ok(())));
    }
}

#[test]
fn no_text_however_broken_is_more_than_an_error() {
    let sound = r#"{"a":"ü\"x","b":[1,{"c":null}],"d":"\u00e4"}"#;
    let mut broken: Vec<String> = (0..sound.len()).filter_map(|end| sound.get(..end).map(str::to_owned)).collect();
    for (at, _) in sound.char_indices() {
        for byte in ["", "\\", "\"", "{", "}", "]", ",", "ä"] {
            broken.push(format!("{}{byte}{}", &sound[..at], sound[at..].chars().skip(1).collect::<String>()));
        }
    }
    for text in &broken {
        let (mut one, mut other) = (Reader::new(text), Reader::new(text));
        let _ = (value(&mut one).and_then(|_| one.end()), other.any().and_then(|_| other.end()));
    }
    for text in ["", "{", "[", "\"", "\"\\", "\"\\\"", "{\"a\"", "{\"a\":", "[1", "[1,", "{,}", "é"] {
        let mut reader = Reader::new(text);
        assert!(value(&mut reader).is_err(), "{text}");
        assert!(Reader::new(text).any().is_err() || text == "{,}", "{text}");
    }
}

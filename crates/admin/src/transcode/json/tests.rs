use serde_json::{Map, Value, json};

use super::{JsonError, Reader};

/// The value that a reader makes of a text.
fn value(reader: &mut Reader<'_>) -> Result<Value, JsonError> {
    match reader.token() {
        Some(b'{') => {
            let mut fields = Map::new();
            reader.object(|reader, name| {
                fields.insert(name.into_owned(), value(reader)?);
                Ok::<_, JsonError>(())
            })?;
            Ok(fields.into())
        }
        Some(b'[') => {
            let mut items = Vec::new();
            reader.array(|reader| {
                items.push(value(reader)?);
                Ok::<_, JsonError>(())
            })?;
            Ok(items.into())
        }
        Some(b'"') => Ok(reader.string()?.into_owned().into()),
        _ => {
            let word = reader.word()?;
            serde_json::from_str(word).map_err(|_| reader.fault("a word"))
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
fn what_is_skipped_ends_where_it_ends() {
    for text in [r#"{"a":"}]","b":["\\\"]"]}"#, "[[[]]]", "-1.5e3", "null", r#""\\""#] {
        let list = format!("[{text},7]");
        let mut reader = Reader::new(&list);
        let mut found = Vec::new();
        let read = reader.array(|reader| {
            found.push(reader.any()?);
            Ok::<_, JsonError>(())
        });
        assert_eq!((read, found), (Ok(()), vec![text, "7"]));
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

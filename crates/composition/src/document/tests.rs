//! What holds of documents whatever is in them: they are compared with a naive model on `serde_json`.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value as Model;

use super::*;
use crate::encode::Encoder;
use crate::error::DecodeError;
use crate::limits::Limits;

fn reading(keep: Keep<'_>, uncovered: Uncovered) -> Reading<'_> {
    Reading { shape: Shape::Any, target: &[], keep, uncovered, arrays: false }
}

/// What is read of a document, as JSON.
fn through(json: &str, reading: Reading<'_>) -> Result<String, DecodeError> {
    let top = read(Bytes::copy_from_slice(json.as_bytes()), &reading, &Limits::default())?;
    Ok(written(top))
}

fn written(top: Top) -> String {
    let body = Encoder::Json.encode(top, &http::HeaderMap::new()).body;
    String::from_utf8(body.to_vec()).expect("JSON is UTF-8")
}

/// A text that is written with the escapes that readers know, in a way that differs from how it will be written.
fn spelled(text: &str, style: u8) -> String {
    let mut out = String::from("\"");
    for (at, character) in text.chars().enumerate() {
        match (style as usize + at) % 4 {
            0 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
            1 if character == '/' => out.push_str("\\/"),
            _ => {
                let plain = serde_json::to_string(&character.to_string()).expect("a text is JSON");
                out.push_str(plain.trim_matches('"').replace("\\\"", "\\u0022").as_str());
                if character == '"' {
                    out.truncate(out.len() - plain.trim_matches('"').replace("\\\"", "\\u0022").len());
                    out.push_str("\\\"");
                }
            }
        }
    }
    out.push('"');
    out
}

/// A document as text, spelled in one of many ways: blanks, escapes, members in any order, and some of them twice.
fn document(depth: u32) -> impl Strategy<Value = (String, Model)> {
    let text = prop_oneof!["[a-c]{1,2}", "\\PC{0,6}", Just("<&>\u{2028}\u{2029}\u{7f}\u{1}\n/\"\\é😀".to_owned())];
    let scalar = prop_oneof![
        Just(("null".to_owned(), Model::Null)),
        any::<bool>().prop_map(|truth| (truth.to_string(), Model::Bool(truth))),
        any::<i64>().prop_map(|number| (number.to_string(), Model::from(number))),
        (text.clone(), any::<u8>()).prop_map(|(text, style)| (spelled(&text, style), Model::String(text))),
    ];
    let blank = prop_oneof![3 => Just(""), 1 => Just(" "), 1 => Just("\n\t ")];
    scalar.prop_recursive(depth, 40, 5, move |inner| {
        let member = (text.clone(), any::<u8>(), inner.clone(), blank.clone());
        prop_oneof![
            (prop::collection::vec(inner, 0..5), blank.clone()).prop_map(|(elements, blank)| {
                let (texts, models): (Vec<_>, Vec<_>) = elements.into_iter().unzip();
                let separator = format!("{blank},{blank}");
                (format!("[{blank}{}{blank}]", texts.join(&separator)), Model::Array(models))
            }),
            prop::collection::vec(member, 0..5).prop_map(|members| {
                let mut model = serde_json::Map::new();
                let mut texts = Vec::new();
                for (name, style, (text, value), blank) in members {
                    texts.push(format!("{blank}{}{blank}:{text}{blank}", spelled(&name, style)));
                    model.insert(name, value);
                }
                (format!("{{{}}}", texts.join(",")), Model::Object(model))
            }),
        ]
    })
}

/// The model as the engine writes it: names in order, and the escapes of Go.
fn expected(model: &Model) -> String {
    match model {
        Model::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let members: Vec<_> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", expected(&Model::String(name.clone())), expected(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Model::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(expected).collect();
            format!("[{}]", elements.join(","))
        }
        Model::String(_) => model
            .to_string()
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029"),
        other => other.to_string(),
    }
}

fn wrapped(model: Model) -> Model {
    match model {
        Model::Object(_) => model,
        Model::Array(_) => serde_json::json!({ "collection": model }),
        _ => serde_json::json!({ "content": model }),
    }
}

/// Allowing as one would write it down.
fn allowed(model: &Model, paths: &[Vec<String>]) -> Option<Model> {
    let Model::Object(members) = model else { return None };
    let mut kept = serde_json::Map::new();
    for (name, value) in members {
        let below: Vec<_> =
            paths.iter().filter(|path| path.first() == Some(name)).map(|path| path[1..].to_vec()).collect();
        if let Some(last) = below.last() {
            // Of a path and a longer one that starts with it, the later counts.
            let end = below.iter().rposition(Vec::is_empty);
            if last.is_empty() || end == Some(below.len() - 1) {
                kept.insert(name.clone(), value.clone());
            } else {
                let later = &below[end.map_or(0, |end| end + 1)..];
                if let Some(value) = allowed(value, later) {
                    kept.insert(name.clone(), value);
                }
            }
        }
    }
    (!kept.is_empty()).then_some(Model::Object(kept))
}

/// Denying as one would write it down.
fn denied(model: &mut Model, path: &[String]) {
    let (Model::Object(members), Some((first, rest))) = (model, path.split_first()) else { return };
    if rest.is_empty() {
        members.remove(first);
    } else if let Some(value) = members.get_mut(first) {
        denied(value, rest);
    }
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-c]{1,2}(\\.[a-c]{1,2}){0,2}", 0..5)
}

fn split(paths: &[String]) -> Vec<Vec<String>> {
    paths.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect()
}

proptest! {
    #[test]
    fn a_document_is_written_as_the_model_is((text, model) in document(4)) {
        let model = expected(&wrapped(model));
        prop_assert_eq!(through(&text, reading(Keep::All, Uncovered::No)).expect("it is JSON"), &*model);
        prop_assert_eq!(through(&text, reading(Keep::All, Uncovered::Yes)).expect("it is JSON"), &*model);
    }

    #[test]
    fn allowing_keeps_what_the_model_keeps((text, model) in document(4), paths in paths()) {
        let allow = Allow::new(paths.iter().map(String::as_str));
        let model = allowed(&wrapped(model), &split(&paths)).unwrap_or_else(|| serde_json::json!({}));
        prop_assert_eq!(through(&text, reading(allow.keep(), Uncovered::No)).expect("it is JSON"), expected(&model));
    }

    #[test]
    fn denying_drops_what_the_model_drops((text, model) in document(4), paths in paths()) {
        let deny = Deny::new(paths.iter().map(String::as_str));
        let mut model = wrapped(model);
        for path in split(&paths) {
            denied(&mut model, &path);
        }
        prop_assert_eq!(through(&text, reading(deny.keep(), Uncovered::Yes)).expect("it is JSON"), expected(&model));
    }

    #[test]
    fn what_is_opened_is_what_was_closed((text, model) in document(4)) {
        let top = read(text.into(), &reading(Keep::All, Uncovered::No), &Limits::default()).expect("it is JSON");
        fn open(value: Value) -> Value {
            match value.open() {
                Value::Array(elements) => Value::Array(elements.into_iter().map(open).collect()),
                Value::Object(object) => {
                    let members = object.into_members().into_iter().map(|(name, value)| (name, open(value)));
                    Value::Object(members.collect())
                }
                scalar => scalar,
            }
        }
        let opened = top.map(|object| open(Value::Object(object))).and_then(Value::into_object);
        prop_assert_eq!(written(opened), expected(&wrapped(model)));
    }

    #[test]
    fn any_bytes_are_read_as_another_reader_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let read = read(bytes.clone().into(), &reading(Keep::All, Uncovered::Yes), &Limits::default());
        if serde_json::from_slice::<Model>(&bytes).is_ok() {
            prop_assert!(read.is_ok());
        }
    }

    #[test]
    fn nearly_json_is_read_as_another_reader_reads_it(text in "[\\[\\]{}\",:0-9eE.+\\-a\\\\u ntrlfs]{0,24}") {
        let read = read(text.clone().into(), &reading(Keep::All, Uncovered::Yes), &Limits::default());
        let mut first = serde_json::Deserializer::from_str(&text).into_iter::<Model>();
        // A number that is the whole document ends where it stops being one, and lone surrogates and numbers beyond a double are
        // refused there alone.
        match first.next() {
            _ if text.trim_start().starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {}
            Some(Ok(_)) => prop_assert!(read.is_ok(), "{:?}", read),
            Some(Err(error)) if text.contains("\\u") || error.to_string().contains("out of range") => {}
            Some(Err(error)) if error.to_string().contains("trailing") => {}
            _ => prop_assert!(read.is_err(), "{:?}", read),
        }
    }
}

#[test]
fn a_closed_document_is_copied_whole() {
    for json in [r#"{}"#, r#"{"a":1}"#, r#"{"a":[1,2,{"b":"c\n\"d"}],"b":{}}"#] {
        let top = read(json.into(), &reading(Keep::All, Uncovered::No), &Limits::default()).expect("it is JSON");
        let Some(object) = top else { panic!("{json} is an object") };
        let Parts::Slice(slice) = object.parts() else { panic!("{json} is kept as it was received") };
        assert_eq!(slice.size_hint(), json.len());
        assert_eq!(written(Some(object)), json);
    }
}

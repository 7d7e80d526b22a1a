//! The pipeline against a naive model on `serde_json`. Selections are compared in the documents' own tests, and all odd cases in
//! tests/recorded.

use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Map, Value as Model, json};

use super::*;
use crate::decode::Collection;
use crate::encode::Encoder;

fn run(pipeline: &Pipeline, decoder: Decoder, body: &str) -> String {
    let data = pipeline.run(decoder, Bytes::copy_from_slice(body.as_bytes()), Uncovered::Yes, &Limits::default());
    let body = Encoder::Json.encode(data.expect("it is JSON"), &HeaderMap::new()).body;
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

fn name() -> impl Strategy<Value = String> {
    "[a-c]"
}

fn document() -> impl Strategy<Value = Model> {
    let scalar = prop_oneof![Just(Model::Null), any::<i32>().prop_map(Model::from), "[a-z]{0,3}".prop_map(Model::from)];
    let value = scalar.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::Array),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|members| Model::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(name(), value, 0..4).prop_map(|members| Model::Object(members.into_iter().collect()))
}

fn target(model: Model, path: &str) -> Model {
    let found = path.split('.').filter(|_| !path.is_empty()).try_fold(model, |model, name| model.get(name).cloned());
    found.filter(Model::is_object).unwrap_or_else(|| json!({}))
}

fn renamed(model: Model, names: &[(String, String)]) -> Model {
    let Model::Object(members) = model else { return model };
    // The last of what is said of a name counts, as in a map.
    let new = |old: &String| names.iter().rev().find(|(known, _)| known == old).map(|(_, new)| new.clone());
    let mut out = Map::new();
    for (name, value) in &members {
        if new(name).is_none() {
            out.insert(name.clone(), value.clone());
        }
    }
    let mut sorted: Vec<_> = members.into_iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, value) in sorted {
        if let Some(new) = new(&name).filter(|new| *new != name) {
            out.insert(new, value);
        }
    }
    Model::Object(out)
}

fn sorted(model: &Model) -> String {
    match model {
        Model::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{}", sorted(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Model::Array(elements) => format!("[{}]", elements.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn steps_are_those_of_the_model(
        model in document(),
        path in "|[a-c](\\.[a-c]){0,2}",
        names in prop::collection::vec((name(), name()), 0..4),
        group in "|[g-h]",
    ) {
        let mapping = Mapping::new(names.iter().map(|(old, new)| (old.as_str(), new.as_str())));
        let pipeline = Pipeline::default()
            .with_target(&path, ArrayTargets::Empty)
            .with_change(Change::Select(Selection::All, mapping))
            .with_group(&group);
        let body = model.to_string();
        let mut expected = renamed(target(model, &path), &names);
        if !group.is_empty() {
            expected = json!({ group: expected });
        }
        prop_assert_eq!(run(&pipeline, Decoder::Json(Collection::No), &body), sorted(&expected));
    }

    #[test]
    fn merging_is_that_of_the_model(first in document(), second in document()) {
        let read = |model: &Model| {
            let body = Bytes::from(model.to_string());
            let data = Pipeline::default().run(Decoder::Json(Collection::No), body, Uncovered::Yes, &Limits::default());
            data.expect("it is JSON").expect("it is an object")
        };
        let merged = read(&first).merged(read(&second));
        let written = Encoder::Json.encode(Some(merged), &HeaderMap::new()).body;
        let (Model::Object(mut model), Model::Object(later)) = (first, second) else { unreachable!("objects") };
        model.extend(later);
        prop_assert_eq!(String::from_utf8_lossy(&written), sorted(&Model::Object(model)));
    }

    #[test]
    fn operations_without_effect_change_nothing(model in document()) {
        let nothing = Operations::new(vec![Operation::Delete(vec![Path::new("x.*.y")])]).expect("operations");
        let pipeline = Pipeline::default().with_change(Change::Operate(nothing));
        let body = model.to_string();
        prop_assert_eq!(run(&pipeline, Decoder::Json(Collection::No), &body), sorted(&model));
    }
}

#[test]
fn arrays_are_targets_if_that_is_asked_for() {
    let cases = [
        (
            Decoder::Json(Collection::No),
            "a.b",
            r#"{"a":{"b":[1,{"z":1,"y":2}]}}"#,
            r#"{"collection":[1,{"y":2,"z":1}]}"#,
        ),
        (Decoder::Json(Collection::No), "a", r#"{"a":1}"#, "{}"),
        (Decoder::Json(Collection::No), "a.b", r#"{"a":[{"b":1}]}"#, "{}"),
        (Decoder::Json(Collection::Yes), "collection", "[1]", r#"{"collection":[1]}"#),
        (Decoder::Xml(Collection::No), "a.b", "<a><b>1</b><b>2</b></a>", r#"{"collection":["1","2"]}"#),
    ];
    for (decoder, path, body, expected) in cases {
        let pipeline = Pipeline::default().with_target(path, ArrayTargets::Collection);
        assert_eq!(run(&pipeline, decoder, body), expected, "{body}");
    }
    let dropped = Change::Select(Selection::Deny(Deny::new(["collection"])), Mapping::default());
    let pipeline = Pipeline::default().with_target("a", ArrayTargets::Collection).with_change(dropped);
    assert_eq!(run(&pipeline, Decoder::Json(Collection::No), r#"{"a":[1]}"#), "{}");
}

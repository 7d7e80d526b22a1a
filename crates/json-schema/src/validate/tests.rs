use proptest::prelude::*;

use super::*;

fn schema(text: &str) -> Schema {
    Schema::new(&Value::read(text.as_bytes()).unwrap()).unwrap()
}

fn told(schema: &Schema, document: &str) -> String {
    match schema.validate(&Value::read(document.as_bytes()).unwrap(), Schema::STEPS) {
        Ok(()) => String::new(),
        Err(Invalid::TooMuchWork) => "too much work".to_owned(),
        Err(Invalid::Violations(violations)) => {
            violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
    }
}

/// Schemas, documents and what is wrong with them, recorded from gojsonschema 1.2.
#[test]
fn verdicts_and_texts_are_those_that_were_recorded() {
    let recorded: Vec<serde_json::Value> =
        include_str!("../../tests/recorded.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(recorded.len() > 500);
    let mut different = Vec::new();
    for case in &recorded {
        let text = case["schema"].to_string();
        let made = Schema::new(&Value::read(text.as_bytes()).unwrap());
        let document = case["document"].as_str().unwrap();
        let given = made.ok().map(|made| told(&made, document));
        // Members are looked at in the order of their names here, and in any order there.
        let sorted = |told: &str| {
            let mut lines: Vec<_> = told.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines.join("\n")
        };
        if given.as_deref().map(sorted) != case["told"].as_str().map(sorted) {
            different.push(format!("{document} by {text}\n  is {given:?}\n not {}", case["told"]));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), recorded.len(), different.join("\n"));
}

#[test]
fn work_is_bounded_whatever_a_schema_asks_for() {
    let doubled = (0..40).map(|at| {
        let next = format!(r##"{{"$ref":"#/definitions/{}"}}"##, at + 1);
        format!(r#""{at}":{{"oneOf":[{next},{next}]}}"#)
    });
    // Each of forty choices has two; three would be too many within one another.
    let text = format!(
        r##"{{"definitions":{{{},"40":{{"type":"string"}}}},"properties":{{"a":{{"$ref":"#/definitions/16"}}}}}}"##,
        doubled.collect::<Vec<_>>().join(",")
    );
    let made = Schema::new(&Value::read(text.as_bytes()).unwrap());
    if let Ok(schema) = made {
        assert_eq!(told(&schema, r#"{"a":1}"#), "too much work");
    }
    let unique = schema(r#"{"uniqueItems":true}"#);
    let document = format!("[{}]", (0..1000).map(|at| at.to_string()).collect::<Vec<_>>().join(","));
    let value = Value::read(document.as_bytes()).unwrap();
    assert_eq!(unique.validate(&value, 500), Err(Invalid::TooMuchWork));
    assert_eq!(unique.validate(&value, 5000), Ok(()));
}

#[test]
fn what_is_told_is_bounded() {
    let each = schema(r#"{"items":{"type":"string"}}"#);
    let document = format!("[{}]", vec!["1"; 1000].join(","));
    assert_eq!(told(&each, &document).lines().count(), Schema::MAX_VIOLATIONS);
}

#[test]
fn the_deepest_document_is_checked_on_a_small_stack() {
    let list = schema(
        r##"{"definitions":{"a":{"allOf":[{"anyOf":[{"not":{"not":{"items":{"$ref":"#/definitions/a"}}}}]}]}},"$ref":"#/definitions/a"}"##,
    );
    let depth = Value::MAX_DEPTH as usize;
    let document = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(told(&list, &document), "too much work");
    let plain = schema(r##"{"type":"array","items":{"$ref":"#"}}"##);
    assert_eq!(told(&plain, &document), "");
}

proptest! {
    #[test]
    fn whatever_comes_is_checked_or_refused(schema in "[{}\\[\\]\":,a-c$ref#/0-9itemsypodl]{0,60}", document in "[{}\\[\\]\":,a-c0-9]{0,40}") {
        if let Ok(value) = Value::read(schema.as_bytes())
            && let Ok(schema) = Schema::new(&value)
            && let Ok(document) = Value::read(document.as_bytes())
        {
            let _ = schema.validate(&document, 10_000);
        }
    }
}

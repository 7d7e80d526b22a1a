use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::value::Later;

fn declared() -> Vec<Declaration> {
    let texts = || Type::map(Type::String, Type::list(Type::String));
    let any = || Type::map(Type::String, Type::Dyn);
    [
        ("now", Type::String),
        ("req_method", Type::String),
        ("req_path", Type::String),
        ("req_params", Type::map(Type::String, Type::String)),
        ("req_headers", texts()),
        ("req_querystring", texts()),
        ("resp_completed", Type::Bool),
        ("resp_metadata_status", Type::Int),
        ("resp_metadata_headers", texts()),
        ("resp_data", any()),
        ("JWT", any()),
    ]
    .map(|(name, kind)| Declaration { name, kind })
    .into()
}

/// A value of JSON, with numbers as doubles.
fn json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Double(number.as_f64().unwrap()),
        serde_json::Value::String(text) => Value::text(text.as_str()),
        serde_json::Value::Array(elements) => Value::List(Arc::new(elements.iter().map(json).collect())),
        serde_json::Value::Object(members) => {
            Value::members(members.iter().map(|(name, value)| (name.as_str().into(), json(value))))
        }
    }
}

fn variable(kind: &str, name: &str) -> Option<Value> {
    let texts = |members: &str| json(&serde_json::from_str(members).unwrap());
    let data = r#"{"a":"x","b":2.5,"n":null,"l":[1,"a",null,{"x":1}],"m":{"x":"y","z":[true]},"t":true}"#;
    Some(match (kind, name) {
        (_, "now") => Value::text("2026-12-01T10:00:00Z"),
        ("req", "req_method") => Value::text("POST"),
        ("req", "req_path") => Value::text("/a/b"),
        ("req", "req_params") => texts(r#"{"Id":"7","Nick":"bob"}"#),
        ("req", "req_querystring") => texts(r#"{"q":["1","2"]}"#),
        ("req", "req_headers") | ("resp", "resp_metadata_headers") => texts(r#"{"X-A":["b","c"],"Accept":["*/*"]}"#),
        ("resp", "resp_completed") => Value::Bool(true),
        ("resp", "resp_metadata_status") => Value::Int(200),
        ("resp", "resp_data") | ("jwt", "JWT") => texts(data),
        _ => return None,
    })
}

fn verdict(text: &str, kind: &str) -> &'static str {
    let Ok(program) = Program::new(text, &declared()) else { return "refused" };
    match program.evaluate(&|name| variable(kind, name), &mut Steps::DEFAULT.clone()) {
        Ok(Value::Bool(true)) => "true",
        Ok(Value::Bool(false)) => "false",
        Ok(_) => "other",
        Err(Stop::Failed(_)) => "error",
        Err(Stop::TooMuchWork) => "too much work",
    }
}

/// Expressions, and what becomes of them in cel-go 0.11.
#[test]
fn verdicts_are_those_that_were_recorded() {
    let lines: Vec<_> = include_str!("../../tests/recorded.jsonl").lines().collect();
    assert!(lines.len() > 1000);
    let mut different = Vec::new();
    for line in &lines {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (text, kind) = (case["expr"].as_str().unwrap(), case["kind"].as_str().unwrap());
        let expected = match case["verdict"].as_str().unwrap() {
            "parse" | "check" | "program" => "refused",
            other => other,
        };
        let given = verdict(text, kind);
        if given != expected {
            different.push(format!("{line}: {given}"));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), lines.len(), different.join("\n"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, at, expected) in [
        ("req_method = 'GET'", 11, "there is no such token"),
        ("req_method ==", 13, "it ends here, and something is wanted"),
        ("(1", 2, ") is wanted here"),
        ("nope == 1", 0, "undeclared reference to 'nope'"),
        ("req_method > 3", 11, "found no matching overload for '>' applied to '(string, int)'"),
        ("req_method.x", 10, "type 'string' does not support field selection"),
        ("lower(req_method)", 0, "undeclared reference to 'lower'"),
        ("req_method.matches('(')", 10, "the pattern is no valid regular expression"),
        ("req_method.matches('(a{500}){500}')", 10, "the pattern is too large"),
        ("[1].map(2, 3)", 3, "argument must be a simple name"),
        ("Foo{a: 1}", 3, "messages of protocol buffers are not served"),
        (
            "timestamp(now).getHours('Europe/Rome')",
            14,
            "time zones are served by their offset, such as +02:00, and UTC",
        ),
        ("package", 0, "reserved identifier: package"),
    ] {
        let error = Program::new(text, &declared()).unwrap_err();
        assert_eq!((error.at, error.problem.as_str()), (at, expected), "{text}");
    }
}

#[test]
fn sizes_are_bounded() {
    let refused = |text: &str| Program::new(text, &declared()).unwrap_err().problem;
    assert_eq!(refused(&" ".repeat(Program::MAX_BYTES + 1)), "an expression may have 16384 bytes");
    assert_eq!(refused(&"(".repeat(1000)), "it is nested more than 96 deep");
    assert_eq!(refused(&vec!["1"; 200].join("+")), "it is nested more than 96 deep");
    assert_eq!(refused(&format!("req_params{}", ".a".repeat(200))), "it is nested more than 96 deep");
    assert_eq!(
        refused(&format!("{}1{}", "[1].map(x, ".repeat(5), ")".repeat(5))),
        "more than 4 lists are gone through within one another"
    );
    assert!(Program::new(&vec!["true"; 2000].join("&&"), &declared()).is_ok());
    assert!(refused(&vec!["'a'.matches('b')"; 40].join("||")).contains("patterns"));
}

#[test]
fn work_is_bounded_whatever_an_expression_does() {
    for text in [
        "req_querystring.q.all(a, req_querystring.q.all(b, req_querystring.q.all(c, req_querystring.q.all(d, a + b + c + d != ''))))",
        "req_querystring.q.map(a, req_querystring.q.map(b, req_querystring.q + req_querystring.q)).size() > 0",
        "req_querystring.q.map(a, now + now + now + now + now + now + now + now).size() > 0",
    ] {
        let program = Program::new(text, &declared()).unwrap();
        let long = Value::texts(std::iter::repeat_n("value", 1000));
        let find = |name: &str| match name {
            "now" => Some(Value::text("a".repeat(100_000))),
            _ => Some(Value::members([("q".into(), long.clone())])),
        };
        assert!(matches!(program.evaluate(&find, &mut Steps::DEFAULT.clone()), Err(Stop::TooMuchWork)), "{text}");
    }
}

#[test]
fn what_nobody_looks_at_is_never_made() {
    #[derive(Debug)]
    struct Unread;

    impl Later for Unread {
        fn size(&self) -> usize {
            usize::MAX
        }

        fn open(&self) -> Value {
            unreachable!("nobody looks at it")
        }
    }

    let later = Value::Later(Arc::new(Unread));
    let data = Value::members([("a".into(), Value::Int(1)), ("b".into(), later)]);
    let evaluate = |text: &str| {
        Program::new(text, &declared()).unwrap().evaluate(&|_| Some(data.clone()), &mut Steps::DEFAULT.clone())
    };
    assert!(matches!(evaluate("resp_data.a == 1 && has(resp_data.b)"), Ok(Value::Bool(true))));
    assert!(matches!(evaluate("resp_data.b == 1"), Err(Stop::TooMuchWork)));
}

proptest! {
    #[test]
    fn whatever_comes_is_refused_or_evaluated(text in "[a-c0-2 ()\\[\\]{}.,:?'\"!<>=&|+*/%-]{0,60}") {
        let _ = verdict(&text, "req");
    }

    #[test]
    fn pieces_of_expressions_are_refused_or_evaluated(
        pieces in proptest::collection::vec(prop_oneof![
            Just("req_params"), Just(".all(x, "), Just("x"), Just(")"), Just(" == "), Just("["), Just("]"), Just("1"), Just("'a'"),
            Just(" && "), Just(" ? "), Just(" : "), Just("has("), Just("-"), Just("timestamp("), Just("now"), Just(".Id"), Just("{"), Just("}"),
        ], 0..14),
    ) {
        let _ = verdict(&pieces.concat(), "req");
    }
}

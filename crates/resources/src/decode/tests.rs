use serde_json::json;

use super::*;
use crate::FieldPath;

fn sentences(surplus: &[Surplus]) -> Vec<String> {
    surplus.iter().map(ToString::to_string).collect()
}

#[test]
fn json_reports_duplicates_by_path_and_keeps_the_last() {
    let decoded =
        json(br#"{"spec":{"protocol":"h2","endpoints":[{"ip":"a"},{"ip":"b","ip":"c"}],"protocol":"tls"}}"#).unwrap();
    assert_eq!(decoded.value, json!({"spec": {"protocol": "tls", "endpoints": [{"ip": "a"}, {"ip": "c"}]}}));
    assert_eq!(
        sentences(&decoded.duplicates),
        [r#"duplicate field "spec.endpoints[1].ip""#, r#"duplicate field "spec.protocol""#]
    );
}

#[test]
fn json_refuses_what_is_not_one_value() {
    for bad in ["", "{", "{}{}", "{} x", "[1,]", "nul", "1e999", "\"\\ud800\""] {
        assert!(matches!(json(bad.as_bytes()), Err(DecodeError::Json { .. })), "{bad}");
    }
    assert_eq!(json(b"{\"a\":\"\xff\"}"), Err(DecodeError::NotText(6)));
}

#[test]
fn nesting_is_bounded() {
    // Half of what a thread has by default.
    std::thread::Builder::new().stack_size(1 << 20).spawn(nest).unwrap().join().unwrap();
}

fn nest() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json(nested(MAX_JSON_DEPTH - 1).as_bytes()).is_ok());
    assert!(json(nested(100_000).as_bytes()).is_err());
    assert!(yaml(nested(MAX_YAML_DEPTH - 2).as_bytes()).is_ok());
    assert!(yaml(nested(100_000).as_bytes()).is_err());
    let blocks: String = (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(yaml(blocks.as_bytes()).is_err());
}

#[test]
fn reported_duplicates_are_bounded() {
    let many = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(5_000));
    assert_eq!(json(many.as_bytes()).unwrap().duplicates.len(), MAX_SURPLUS);
}

#[test]
fn errors_say_where_and_do_not_quote() {
    let error = json(b"{\n  \"password\": hunter2\n}").unwrap_err();
    assert_eq!(error.to_string(), "not valid JSON at line 2, column 15: expected value");
    let error = yaml(b"password: \"hunter2\nother: [").unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let error = yaml(b"a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    assert!(error.line() > 0, "{error}");
}

#[test]
fn yaml_has_the_types_of_json() {
    let decoded = yaml(
        b"text: abc\nquoted: '8080'\nport: 8080\nnegative: -3\nhalf: 0.5\nyes: true\nword: yes\noff: off\nnothing:\ntilde: ~\n\
          list: [1, 'a', null]\nblock: |\n  a\n  b\ndate: 2006-01-02\nversion: 1.2.3\noctal: 0o17\nempty: {}\n",
    )
    .unwrap();
    assert_eq!(
        decoded.value,
        json!({
            "text": "abc", "quoted": "8080", "port": 8080, "negative": -3, "half": 0.5, "yes": true, "word": "yes",
            "off": "off", "nothing": null, "tilde": null, "list": [1, "a", null], "block": "a\nb\n", "date": "2006-01-02",
            "version": "1.2.3", "octal": 15, "empty": {}
        })
    );
}

#[test]
fn yaml_reads_json_too() {
    let bytes = br#"{"spec": {"endpoints": [{"ip": "10.0.0.1"}], "n": 1.5e3}}"#;
    assert_eq!(yaml(bytes).unwrap().value, json(bytes).unwrap().value);
}

#[test]
fn files_have_documents_and_lines() {
    let file = b"# only a comment\n---\n# first\nkind: A\nspec:\n  list:\n  - x: 1\n    y: 2\n  - x: 3\n---\n# nothing here\n---\nkind: B\n\
        metadata:\n  labels: {app.example/name: web}\n...\n";
    let documents = documents(file).unwrap();
    let kinds: Vec<_> = documents.iter().map(|document| document.value["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["A", "B"]);
    let spec = FieldPath::new("spec");
    let lines = &documents[0].lines;
    assert_eq!(lines.start(), 4);
    assert_eq!(lines.of(&FieldPath::new("kind")), 4);
    assert_eq!(lines.of(&spec), 5);
    assert_eq!(lines.of(&spec.child("list").index(0).child("y")), 8);
    assert_eq!(lines.of(&spec.child("list").index(1)), 9);
    assert_eq!(lines.of(&spec.child("list").index(1).child("absent")), 9, "the line of what it is part of");
    assert_eq!(lines.of(&spec.child("protocol")), 5);
    let lines = &documents[1].lines;
    assert_eq!(lines.of(&FieldPath::default()), 13);
    assert_eq!(lines.of(&FieldPath::new("metadata").child("labels").key("app.example/name")), 15);
}

#[test]
fn one_document_is_one_document() {
    assert_eq!(yaml(b"# nothing\n"), Err(DecodeError::Empty));
    assert_eq!(yaml(b""), Err(DecodeError::Empty));
    assert_eq!(yaml(b"a: 1\n---\nb: 2\n"), Err(DecodeError::Several(2)));
    assert_eq!(yaml(b"---\na: 1\n---\n# end\n").unwrap().value, json!({"a": 1}));
}

#[test]
fn yaml_reports_duplicates() {
    let decoded = yaml(b"spec:\n  protocol: h2\n  protocol: tls\n").unwrap();
    assert_eq!(decoded.value, json!({"spec": {"protocol": "tls"}}));
    assert_eq!(sentences(&decoded.duplicates), [r#"duplicate field "spec.protocol""#]);
}

#[test]
fn aliases_and_merge_keys_work_within_bounds() {
    let decoded = yaml(b"base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nlist: [*base]\n").unwrap();
    assert_eq!(decoded.value["other"], json!({"a": 1, "b": 3}));
    assert_eq!(decoded.value["list"], json!([{"a": 1, "b": 2}]));
    assert!(decoded.duplicates.is_empty(), "{:?}", decoded.duplicates);
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        let aliases = vec![format!("*{before}"); 10].join(",");
        bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    assert!(matches!(yaml(bomb.as_bytes()), Err(DecodeError::Yaml { .. })));
}

#[test]
fn a_large_file_is_within_bounds() {
    let file: String = (0..3_000).map(|n| format!("---\nkind: Backend\nmetadata: {{name: b{n}}}\n")).collect();
    assert_eq!(documents(file.as_bytes()).unwrap().len(), 3_000);
}

#[test]
fn errors_of_tags_and_anchors_do_not_quote() {
    for bad in [
        "a: !!int hunter2",
        "a: !!float hunter2",
        "a: !!bool hunter2",
        "a: !!binary 'hunter2!'",
        "a: [hunter2",
        "a: \"\\hunter2\"",
        "hunter2: {hunter2",
        "? {hunter2: 1}\n: 2",
        ".inf: .inf",
        "a: .nan",
        "a: 1e999",
        "a: !hunter2 b\n---\n- x\n b: c",
    ] {
        let result = yaml(bad.as_bytes());
        if let Err(error) = result {
            assert!(!error.to_string().contains("hunter2"), "{bad}: {error}");
        }
    }
}

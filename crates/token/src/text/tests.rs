use super::*;

fn text(json: &str, name: &str) -> Option<String> {
    let claims = Claims::new(crate::json::object(json.as_bytes()).unwrap()).unwrap();
    claim_text(&claims, &claim_path(name))
}

#[test]
fn claims_are_written_as_backends_expect_them() {
    for (value, written) in [
        (r#""text""#, "text"),
        ("42", "42"),
        ("-7", "-7"),
        ("9007199254740993", "9007199254740993"),
        ("42.0", "42"),
        ("1e3", "1000"),
        ("1.5", "1.500000"),
        ("0.3333333333", "0.333333"),
        ("0.0000001", "0"),
        ("true", "true"),
        ("null", "null"),
        ("[]", ""),
        (r#"["a","b"]"#, "a,b"),
        (r#"["a",1,1.5,true,null]"#, "a,1,1.5,true,<nil>"),
        (r#"[[1,2],{"b":1,"a":"x"}]"#, "[1 2],map[a:x b:1]"),
        ("[1e21,123456789.5,123456.5,0.00001,0.0001,1234567]", "1e+21,1.234567895e+08,123456.5,1e-05,0.0001,1234567"),
        (r#"{"b":[1,"<"],"a":{"c":1e-7}}"#, r#"{"a":{"c":1e-7},"b":[1,"\u003c"]}"#),
    ] {
        assert_eq!(text(&format!(r#"{{"c":{value}}}"#), "c").as_deref(), Some(written), "{value}");
    }
}

#[test]
fn dots_lead_into_objects() {
    assert_eq!(text(r#"{"a":{"b":{"c":"x"}}}"#, "a.b.c").as_deref(), Some("x"));
    assert_eq!(text(r#"{"http://a.b/c":"x"}"#, "http://a.b/c").as_deref(), Some("x"));
    assert_eq!(text(r#"{"a":"x"}"#, "a.b"), None);
    assert_eq!(text("{}", "a"), None);
}

//! What bodies, requests and answers have to be: `validation/json-schema` and `validation/cel`.

use super::*;

fn endpoint(method: &str, component: &str, backend: &str) -> String {
    with_endpoints(&format!(
        r#"{{"endpoint": "/a", "method": "{method}", "input_headers": ["Content-Type"], "extra_config": {{{component}}},
            "backend": [{{"url_pattern": "/", "host": ["http://b.test"], "extra_config": {{{backend}}}}}]}}"#
    ))
}

fn lines(text: &str) -> Vec<String> {
    said(text)
        .into_iter()
        .map(|line| line.split_once(": ").map_or_else(String::new, |(_, rest)| rest.to_owned()))
        .collect()
}

#[test]
fn a_schema_is_handed_over_as_json() {
    let schema = r##"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"minimum": 1.0}, "$b": {"$ref": "#/definitions/c"}}, "definitions": {"c": {}}}"##;
    let compiled = sound(&endpoint("POST", &format!(r#""validation/json-schema": {schema}"#), ""));
    let written: serde_json::Value = serde_json::from_slice(&compose(&compiled, "POST /a").body_schema).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(schema).unwrap();
    // Numbers pass through Go's doubles.
    expected["properties"]["a"]["minimum"] = 1.into();
    assert_eq!(written, expected);
}

#[test]
fn what_is_wrong_with_a_schema_is_told_where_it_is_written() {
    let path = r#"endpoints[0].extra_config["validation/json-schema"]"#;
    for (schema, expected) in [
        (r#"{"type": "strng"}"#, format!("error: {path}.type: there is no type \"strng\"")),
        (
            r#"{"properties": {"a": {"items": [{}, {"pattern": "("}]}}}"#,
            format!("error: {path}.properties.a.items[1].pattern: it is no valid regular expression"),
        ),
        (
            r#"{"properties": {"a": {"$ref": "https://a.test/b.json"}}}"#,
            format!(
                "error: {path}.properties.a.$ref: it leads out of the schema, and nothing is fetched: put what it leads to among \
                 the definitions"
            ),
        ),
        (
            r#"{"prefixItems": []}"#,
            format!(
                "warning: {path}.prefixItems: KrakenD ignores this keyword, which is of a later draft than 7: what it asks for is \
                 not checked"
            ),
        ),
    ] {
        assert_eq!(lines(&endpoint("POST", &format!(r#""validation/json-schema": {schema}"#), "")), [expected]);
    }
    let get = lines(&endpoint("GET", r#""validation/json-schema": {"type": "object"}"#, ""));
    assert!(get.iter().any(|line| line.contains("a GET without a body is answered 400")), "{get:?}");
    let place = said(&endpoint(
        "POST",
        r#""validation/json-schema": {"type":
        "strng"}"#,
        "",
    ));
    assert!(place[0].starts_with("1:"), "{place:?}");
}

#[test]
fn expressions_go_where_they_are_evaluated() {
    let cel = |texts: &[&str]| {
        let members: Vec<_> = texts.iter().map(|text| format!(r#"{{"check_expr": "{text}"}}"#)).collect();
        format!(r#""validation/cel": [{}]"#, members.join(", "))
    };
    let text =
        endpoint("GET", &cel(&["req_method == 'GET'", "resp_data.a == 1"]), &cel(&["resp_metadata_status == 200"]));
    let compiled = sound(&text);
    let composed = compose(&compiled, "GET /a");
    assert_eq!(composed.expressions, ["req_method == 'GET'", "resp_data.a == 1"]);
    assert_eq!(composed.calls[0].expressions, ["resp_metadata_status == 200"]);

    let validator = r#""auth/validator": {"alg": "HS256", "jwk_url": "https://idp.test/keys"}"#;
    let both = format!("{}, {validator}", cel(&["JWT.sub != ''", "req_params.Id == '1'"]));
    let compiled = sound(&endpoint("GET", &both, ""));
    assert_eq!(compose(&compiled, "GET /a").expressions, ["req_params.Id == '1'"]);
    let guards = rule(&compiled, "GET /a").guards.clone().unwrap();
    assert_eq!(guards.token.unwrap().expressions, ["JWT.sub != ''"]);
}

#[test]
fn what_is_wrong_with_an_expression_is_told_where_it_is_written() {
    let root = r#"endpoints[0].extra_config["validation/cel"]"#;
    for (list, expected) in [
        (
            r#"[{"check_expr": "req_method > 3"}]"#,
            format!(
                "error: {root}[0].check_expr: found no matching overload for '>' applied to '(string, int)', at position 11 of the expression"
            ),
        ),
        (
            r#"[{"check_expr": "req_method == 'GET'"}, {"check_expr": "(req_path"}]"#,
            format!("error: {root}[1].check_expr: ) is wanted here, at position 9 of the expression"),
        ),
        (r#"["req_method"]"#, format!("error: {root}[0]: an object is wanted here, and this is text")),
        (r#"[{"check_expr": 1}]"#, format!("error: {root}[0].check_expr: text is wanted here, and this is a number")),
        (r#"[{"expr": "true"}]"#, format!("warning: {root}[0].expr: KrakenD ignores an option that it does not know")),
        (
            r#"[{"check_expr": "now != ''"}]"#,
            format!(
                "warning: {root}[0].check_expr: it is never evaluated, since it names no variable of a request, of what is answered or of a token"
            ),
        ),
        (
            r#"[{"check_expr": "JWT.sub == 'a'"}]"#,
            format!("warning: {root}[0].check_expr: it is never evaluated, since no token is validated here"),
        ),
        (
            r#"[{"check_expr": "req_path"}]"#,
            format!("warning: {root}[0].check_expr: it is of type \"string\", and only true lets anything pass"),
        ),
        (
            r#"{"check_expr": "true"}"#,
            format!("warning: {root}: it is ignored: they are a list, and this is an object"),
        ),
    ] {
        let found = lines(&endpoint("GET", &format!(r#""validation/cel": {list}"#), ""));
        assert!(found.contains(&expected), "{expected}\n{found:#?}");
    }
    let found = lines(&endpoint("GET", r#""validation/cel": [{"check_expr": "resp_data.required == req_path"}]"#, ""));
    assert!(found.iter().any(|line| line.contains("it lets nothing pass")), "{found:?}");
}

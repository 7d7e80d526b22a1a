use super::*;

fn compiled(text: &str) -> Result<Schema, String> {
    let schema = Value::read(text.as_bytes()).unwrap();
    Schema::new(&schema).map_err(|error| format!("{}: {error}", error.path.join("/")))
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (schema, expected) in [
        ("[]", ": a schema is wanted here: an object"),
        (r#"{"type":"strng"}"#, "type: there is no type \"strng\""),
        (r#"{"type":["string","string"]}"#, "type: string is there twice"),
        (
            r#"{"properties":{"a":{"minLength":-1}}}"#,
            "properties/a/minLength: minLength must be greater than or equal to 0",
        ),
        (r#"{"items":[{},{"maxItems":1.0}]}"#, "items/1/maxItems: maxItems must be of an integer"),
        (r#"{"minLength":2,"maxLength":1}"#, "minLength: minLength cannot be greater than maxLength"),
        (r#"{"pattern":"("}"#, "pattern: it is no valid regular expression"),
        (r#"{"pattern":"(a{500}){500}"}"#, "pattern: the regular expression is too large"),
        (r#"{"patternProperties":{"(":{}}}"#, "patternProperties/(: it is no valid regular expression"),
        (r#"{"required":["a","a"]}"#, "required: required items must be unique"),
        (r#"{"required":true}"#, "required: required must be of an array"),
        (r#"{"enum":[1,1.0]}"#, "enum: enum items must be unique"),
        (r#"{"multipleOf":0}"#, "multipleOf: multipleOf must be strictly greater than 0"),
        (r#"{"exclusiveMinimum":true}"#, "exclusiveMinimum: exclusiveMinimum cannot be used without minimum"),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","minimum":1,"exclusiveMinimum":true}"#,
            "exclusiveMinimum: exclusiveMinimum must be of a number",
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":true}}"#,
            "properties/a: a schema is wanted here: an object",
        ),
        (r#"{"allOf":{}}"#, "allOf: allOf must be of an array"),
        (r#"{"anyOf":[1]}"#, "anyOf/0: a schema is wanted here: an object"),
        (r##"{"$ref":"#/definitions/a"}"##, "$ref: it leads to nothing"),
        (
            r#"{"properties":{"a":{"$ref":"http://a/b.json"}}}"#,
            "properties/a/$ref: it leads out of the schema, and nothing is fetched: put what it leads to among the definitions",
        ),
        (
            r#"{"$ref":"file:///etc/passwd"}"#,
            "$ref: it leads out of the schema, and nothing is fetched: put what it leads to among the definitions",
        ),
        (r##"{"$ref":"#"}"##, ": a $ref leads back to itself, so that a check would never end"),
        (
            r##"{"definitions":{"a":{"anyOf":[{"$ref":"#/definitions/b"}]},"b":{"not":{"$ref":"#/definitions/a"}}}}"##,
            ": a $ref leads back to itself, so that a check would never end",
        ),
        (r##"{"definitions":{"a":{"type":"x"}}}"##, "definitions/a/type: there is no type \"x\""),
    ] {
        assert_eq!(compiled(schema).unwrap_err(), expected, "{schema}");
    }
}

#[test]
fn a_schema_may_be_recursive() {
    let list = r##"{"definitions":{"list":{"properties":{"next":{"$ref":"#/definitions/list"}}}},"$ref":"#/definitions/list"}"##;
    assert!(compiled(list).is_ok());
    assert!(compiled(r##"{"items":{"$ref":"#"}}"##).is_ok());
}

#[test]
fn sizes_are_bounded() {
    let many = |count: usize| format!(r#"{{"anyOf":[{}]}}"#, vec!["{}"; count].join(","));
    assert!(compiled(&many(Schema::MAX_NODES - 1)).is_ok());
    assert_eq!(compiled(&many(Schema::MAX_NODES)).unwrap_err(), "anyOf/9999: more than 10000 schemas are in it");
    let patterns = |count: usize| format!(r#"{{"anyOf":[{}]}}"#, vec![r#"{"pattern":"a"}"#; count].join(","));
    assert!(compiled(&patterns(Schema::MAX_PATTERNS)).is_ok());
    assert!(compiled(&patterns(Schema::MAX_PATTERNS + 1)).unwrap_err().contains("regular expressions"));
    let long = format!(r#"{{"title":"{}"}}"#, "a".repeat(Schema::MAX_BYTES));
    assert_eq!(compiled(&long).unwrap_err(), ": a schema may have 256 KiB");
    let chain = |length: usize| {
        let links = (0..length).map(|at| format!(r##""{at}":{{"$ref":"#/definitions/{}"}}"##, at + 1));
        format!(r#"{{"definitions":{{{},"{length}":{{}}}}}}"#, links.collect::<Vec<_>>().join(","))
    };
    assert!(compiled(&chain(20)).is_ok());
    assert_eq!(compiled(&chain(100)).unwrap_err(), ": more than 64 schemas apply within one another");
}

#[test]
fn keywords_of_later_drafts_are_told() {
    let schema = compiled(r#"{"properties":{"a":{"prefixItems":[]},"prefixItems":{}}}"#).unwrap();
    assert_eq!(schema.ignored(), [Ignored { path: vec!["properties".into(), "a".into(), "prefixItems".into()] }]);
}

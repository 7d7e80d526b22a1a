use super::*;

#[test]
fn references_are_joined_as_rfc_3986_has_it() {
    for (base, reference, expected) in [
        ("", "#/definitions/a", "#/definitions/a"),
        ("http://a/b/c.json", "#x", "http://a/b/c.json#x"),
        ("http://a/b/c.json", "d.json", "http://a/b/d.json"),
        ("http://a/b/c.json", "/d.json#y", "http://a/d.json#y"),
        ("http://a", "d.json", "http://a/d.json"),
        ("http://a/b", "urn:x", "urn:x"),
        ("", "d.json", "d.json"),
    ] {
        assert_eq!(join(base, reference), expected, "{base} and {reference}");
    }
}

#[test]
fn parts_are_found_by_pointer_and_by_name() {
    let text =
        br##"{"$id":"http://a/root.json","definitions":{"a/b":{"$id":"#here","type":"string"},"c":{"$id":"other.json",
        "definitions":{"d%":{"type":"null"}}}},"properties":{"$id":{"type":"number"}}}"##;
    let schema = Value::read(text).unwrap();
    let names = Names::of(&schema);
    let base = base_of(&schema, "");
    let kind = |reference: &str| {
        names.find(reference, &base).map(|(_, value)| value.get("type").and_then(Value::text).map(str::to_owned))
    };
    for (reference, expected) in [
        ("#/definitions/a~1b", Ok(Some("string"))),
        ("#here", Ok(Some("string"))),
        ("http://a/root.json#here", Ok(Some("string"))),
        ("other.json#/definitions/d%25", Ok(Some("null"))),
        ("#/properties/$id", Ok(Some("number"))),
        ("#", Ok(None)),
        ("#/definitions/none", Err("it leads to nothing")),
    ] {
        assert_eq!(kind(reference), expected.map(|kind| kind.map(str::to_owned)), "{reference}");
    }
    assert!(names.find("http://elsewhere/schema.json", &base).unwrap_err().contains("nothing is fetched"));
}

//! Patterns and references.

use super::*;

fn rendered(pattern: &str) -> String {
    Pattern::parse(pattern).render(|segment| match segment {
        Segment::Parameter(name) if name == "id" => Some("7"),
        Segment::Parameter(name) if name == "JWT.sub" => Some("ada"),
        Segment::Reference(reference) if reference.call == 1 && reference.path == ["a", "b"] => Some("{id}"),
        _ => None,
    })
}

#[test]
fn parameters_are_put_in_once() {
    let cases = [
        ("/a", "/a"),
        ("a", "/a"),
        ("", "/"),
        ("/a/{id}/{id}", "/a/7/7"),
        ("{id}", "/7"),
        ("/{id}.json?x={id}", "/7.json?x=7"),
        ("/{JWT.sub}", "/ada"),
        // What is put in is not looked at again.
        ("/{resp1_a.b}", "/{id}"),
        ("/{other}", "/{{.Other}}"),
        ("/{resp0_x}", "/{{.Resp0_x}}"),
        ("/{}", "/{}"),
        ("/{a b}/{id}", "/{a b}/7"),
        ("/{{id}}", "/{7}"),
        ("/{id", "/{id"),
    ];
    for (pattern, expected) in cases {
        assert_eq!(rendered(pattern), expected, "{pattern}");
    }
    assert_eq!(Pattern::parse("/a/{id}").to_string(), "/a/{{.Id}}");
}

#[test]
fn references_name_a_call_and_a_path() {
    let parsed = |text: &str| Reference::parse(text).map(|reference| (reference.call, reference.path.join("/")));
    assert_eq!(parsed("resp0_a.b"), Some((0, "a/b".to_owned())));
    assert_eq!(parsed("Resp12"), Some((12, String::new())));
    for none in ["resp", "resp_a", "respx_a", "resp0a", "resp0_", "x", "resp99999999999999999999_a"] {
        assert_eq!(parsed(none), None, "{none}");
    }
    assert_eq!(Reference::parse("resp0_a.b").map(|reference| reference.name()), Some("Resp0_a.b".to_owned()));
}

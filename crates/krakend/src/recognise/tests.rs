use super::*;

#[test]
fn a_file_is_known_by_what_is_in_it() {
    for (name, text, is_one) in [
        ("a.json", r#"{"version": 3, "endpoints": []}"#, true),
        ("a.json", r#"{"Version": 3, "Endpoints": []}"#, true),
        ("a.json", r#"{"version": 2, "port": 80}"#, true),
        ("a.json", r#"{"$schema": "https://www.krakend.io/schema/v3.json"}"#, true),
        ("a.yaml", "version: 3\nendpoints:\n- endpoint: /a\n", true),
        ("a.toml", "version = 3", true),
        ("stdin", "version: 3\nendpoints: []\n", true),
        ("a.json", "{\"version\": 3, \"endpoints\": [{\"backend\": [],}]", true),
        ("a.json", "{\"version\": 3, {{ range .x }} \"endpoints\": [{\"backend\": []}]", true),
        ("a.yaml", "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nspec:\n  endpoints: []\n", false),
        ("a.yaml", "apiVersion: v1\n---\napiVersion: v1\n", false),
        ("a.yaml", "version: '3'\nservices: {}\n", false),
        ("a.json", r#"{"keys": []}"#, false),
        ("a.json", r#"{"apiVersion": "v1", "endpoints": []}"#, false),
        ("a.yaml", "", false),
        ("a.yaml", "kind: [\n", false),
    ] {
        assert_eq!(is_configuration(text, Path::new(name)), is_one, "{name}: {text}");
    }
}

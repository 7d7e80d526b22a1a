use super::{fields, labels};
use backstay_resources::apoxy::BACKEND;

fn matches(selector: &str, labels_json: &str) -> bool {
    let object =
        format!(r#"{{"apiVersion":"a","kind":"b","metadata":{{"name":"x","labels":{labels_json}}},"spec":{{}}}}"#);
    labels::matches(&labels::parse(selector).unwrap(), object.as_bytes())
}

#[test]
fn every_form_of_label_requirement() {
    let object = r#"{"app":"web","tier":"front","n":"7","example.com/x":"1"}"#;
    for yes in [
        "",
        "app",
        "!gone",
        "app=web",
        "app==web",
        "app!=api",
        "gone!=api",
        "app in (api, web)",
        "app notin (api,db)",
        "gone notin (api)",
        "n>6",
        "n<8",
        "example.com/x=1",
        "app=web,tier=front , !gone",
        "app in(web),tier",
        "gone notin ()",
    ] {
        assert!(matches(yes, object), "{yes}");
    }
    for no in [
        "gone",
        "!app",
        "app=api",
        "app!=web",
        "app in (api)",
        "app notin (web)",
        "n>7",
        "app>1",
        "app=",
        "app=web,gone",
    ] {
        assert!(!matches(no, object), "{no}");
    }
}

#[test]
fn malformed_label_selectors_are_refused() {
    for bad in [
        "=web",
        "app in web",
        "app in (web",
        "app web",
        "a=b=c",
        "app,,b",
        "!",
        "-bad",
        "app=-x",
        "n>x",
        "app in (a b)",
        "(",
        ",",
    ] {
        assert!(labels::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn field_selectors_compare_the_key() {
    let matches = |selector: &str| {
        fields::parse(&BACKEND, selector).unwrap().iter().all(|field| field.matches_key("web", "prod"))
    };
    assert!(matches(""));
    assert!(matches("metadata.name=web,metadata.namespace==prod"));
    assert!(matches("metadata.name!=api"));
    assert!(!matches("metadata.name!=web"));
    assert!(!matches("metadata.name=web,metadata.namespace=test"));
    assert!(!matches(r"metadata.name=we\,b"));
}

#[test]
fn unknown_fields_and_bad_terms_are_refused() {
    let error = fields::parse(&BACKEND, "spec.nothing=1").unwrap_err();
    assert_eq!(error, "field label not supported: spec.nothing");
    assert!(fields::parse(&BACKEND, "metadata.name").is_err());
    assert!(fields::parse(&BACKEND, r"metadata.name=a\b").is_err());
}

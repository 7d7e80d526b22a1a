use backstay_resources::{apoxy, core};

use super::{Filter, snake};

fn labels(text: &str) -> String {
    Filter::parse(&apoxy::BACKEND, text).unwrap().labels
}

#[test]
fn comparisons_of_labels_are_label_selectors() {
    for (filter, selector) in [
        ("", ""),
        (r#"labels.app = "web""#, "app=web"),
        ("labels.app=web AND labels.tier != back", "app=web,tier!=back"),
        ("labels.app:*", "app"),
        ("NOT labels.app:*", "!app"),
        ("-labels.app:*", "!app"),
        ("NOT labels.app = web", "app!=web"),
        ("labels.app = a OR labels.app = b", "app in (a,b)"),
        ("NOT (labels.app = a OR labels.app = b) AND labels.x = y", "app notin (a,b),x=y"),
        ("labels.weight > 5", "weight>5"),
        ("labels.`app.kubernetes.io/name` = web", "app.kubernetes.io/name=web"),
        ("labels.app.kubernetes.io/name = 'web'", "app.kubernetes.io/name=web"),
    ] {
        assert_eq!(labels(filter), selector, "{filter}");
    }
}

#[test]
fn comparisons_of_fields_are_field_selectors() {
    let filter = Filter::parse(&core::SECRET, r#"type = "a,b=c" AND name != x AND labels.a:*"#).unwrap();
    assert_eq!(filter, Filter { labels: "a".to_owned(), fields: r"type=a\,b\=c,metadata.name!=x".to_owned() });
}

#[test]
fn what_selectors_cannot_say_is_refused() {
    for filter in [
        "labels.app",
        "labels.app =",
        "= web",
        "labels.app = web labels.x = y",
        "labels.app = web OR labels.tier = back",
        "(labels.app = web",
        "labels.app = \"web",
        "spec.nothing = 1",
        "labels.app = \"a,b\"",
        "labels.a b = c",
        "name > x",
        "labels.app <= 4",
    ] {
        let failure = Filter::parse(&apoxy::BACKEND, filter).unwrap_err();
        assert_eq!(failure.causes()[0].field, "filter", "{filter}");
    }
}

#[test]
fn a_deletion_says_that_all_are_meant() {
    assert!(Filter::required(&apoxy::BACKEND, " ").is_err());
    assert_eq!(Filter::required(&apoxy::BACKEND, "*").unwrap(), Filter::default());
}

#[test]
fn paths_of_json_are_spelt_as_in_proto() {
    assert_eq!(snake("spec.dnsCacheConfig.hostTTL"), "spec.dns_cache_config.host_ttl");
    assert_eq!(snake("metadata.labels[app.Kind/X].y"), "metadata.labels[app.Kind/X].y");
    assert_eq!(snake("spec.rules[0].backendRefs[1].sectionName"), "spec.rules[0].backend_refs[1].section_name");
}

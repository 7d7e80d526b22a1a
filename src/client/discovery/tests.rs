use serde::Deserialize;
use serde_json::json;

use super::{Discovery, Group, GroupList};
use crate::client::Segment;

fn discovery() -> Discovery {
    let resource = |plural: &str, kind: &str, scope: &str, short: &[&str]| {
        json!({"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": scope,
            "singularResource": kind.to_lowercase(), "shortNames": short, "categories": ["backstay"],
            "verbs": ["get"], "subresources": []})
    };
    let group = |name: &str, version: &str, resources: serde_json::Value| json!({"metadata": {"name": name}, "versions": [{"version": version, "resources": resources}]});
    let document = json!({"kind": "APIGroupDiscoveryList", "items": [
        group("core.apoxy.dev", "v1alpha2", json!([resource("backends", "Backend", "Cluster", &["be"])])),
        group("gateway.networking.k8s.io", "v1", json!([resource("gateways", "Gateway", "Namespaced", &["gtw"])])),
        group("gateway.apoxy.dev", "v1", json!([resource("gateways", "Gateway", "Cluster", &["gtw"])])),
        {"metadata": {}, "versions": [{"version": "v1", "resources": [
            {"resource": "secrets", "responseKind": {"kind": "Secret"}, "scope": "Namespaced", "singularResource": "secret"}]}]},
    ]});
    let groups = GroupList::deserialize(&document).unwrap();
    Discovery { types: groups.items.into_iter().flat_map(Group::types).collect() }
}

#[test]
fn a_kind_is_known_by_all_its_names() {
    let discovery = discovery();
    for word in ["backends", "backend", "Backend", "be", "backends.core.apoxy.dev", "backend.v1alpha2.core.apoxy.dev"] {
        let found = discovery.called(word);
        assert_eq!(found.len(), 1, "{word}");
        assert_eq!(found[0].label(), "backend.core.apoxy.dev", "{word}");
    }
    assert!(discovery.called("backends.example.com").is_empty());
    assert!(discovery.called("nothing").is_empty());
}

#[test]
fn of_two_groups_the_first_is_meant_unless_the_word_says_which() {
    let discovery = discovery();
    assert_eq!(discovery.called("gateways")[0].label(), "gateway.gateway.networking.k8s.io");
    assert_eq!(discovery.called("gtw.gateway.apoxy.dev")[0].label(), "gateway.gateway.apoxy.dev");
}

#[test]
fn a_category_is_all_its_kinds() {
    assert_eq!(discovery().called("backstay").len(), 3);
}

#[test]
fn paths_are_those_of_the_api() {
    let discovery = discovery();
    let backend = discovery.of("core.apoxy.dev/v1alpha2", "Backend").unwrap();
    let name = |text: &str| text.parse::<Segment>().unwrap();
    assert_eq!(backend.object(&name("ignored"), &name("a")), "/apis/core.apoxy.dev/v1alpha2/backends/a");
    let secret = discovery.of("v1", "Secret").unwrap();
    assert_eq!(secret.object(&name("team"), &name("a")), "/api/v1/namespaces/team/secrets/a");
    assert_eq!(secret.collection(None), "/api/v1/secrets");
    assert!(discovery.of("v1", "Pod").is_none());
}

#[test]
fn nothing_is_no_name_of_a_kind() {
    let discovery = discovery();
    for word in ["", ".", ".core.apoxy.dev"] {
        assert!(discovery.called(word).is_empty(), "{word:?}");
    }
}

#[test]
fn a_server_whose_kinds_have_no_name_is_not_understood() {
    let nameless = json!({"items": [{"metadata": {"name": "a.example"}, "versions": [{"version": "v1", "resources": [
        {"resource": "", "scope": "Cluster"}]}]}]});
    assert!(GroupList::deserialize(&nameless).is_err());
}

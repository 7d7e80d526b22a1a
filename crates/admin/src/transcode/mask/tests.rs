use backstay_resources::gateway;
use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use super::super::shape::ResourceShape;
use super::{ReadMask, UpdateMask};

fn shape() -> ResourceShape {
    let pool = DescriptorPool::decode(backstay_proto::DESCRIPTORS).unwrap();
    ResourceShape::find(&pool, &gateway::HTTP_ROUTE, "HTTPRoute").unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn paths(mask: &[&str], fields: Value) -> Vec<String> {
    let mask: Vec<String> = mask.iter().map(|path| (*path).to_owned()).collect();
    match UpdateMask::parse(&shape(), &mask, &object(fields)).unwrap() {
        UpdateMask::All => vec!["*".to_owned()],
        UpdateMask::Paths(paths) => paths.iter().map(|path| path.join("/")).collect(),
    }
}

#[test]
fn paths_are_those_of_json() {
    assert_eq!(
        paths(&["spec.use_default_gateways", "labels", "labels.`a.b/c`", "owner_references"], json!({})),
        ["spec/useDefaultGateways", "metadata/labels", "metadata/labels/a.b/c", "metadata/ownerReferences"]
    );
    assert_eq!(paths(&["*"], json!({})), ["*"]);
}

#[test]
fn without_a_mask_what_is_set_is_meant() {
    let fields = json!({"metadata": {"labels": {"a": "b"}, "uid": "u"}, "spec": {"hostnames": ["a"], "rules": []}, "status": {"parents": []}});
    assert_eq!(paths(&[], fields), ["metadata/labels", "spec/hostnames", "spec/rules"]);
}

#[test]
fn what_cannot_be_named_is_refused() {
    for path in [
        "",
        "spec.nothing",
        "nothing",
        "spec.rules.name",
        "spec.hostnames.0",
        "name",
        "uid",
        "create_time",
        "generation",
        "managed_fields",
        "spec..rules",
        "spec.",
        "labels.a.b",
        "labels.`a",
        "api_version",
    ] {
        let failure = UpdateMask::parse(&shape(), &[path.to_owned()], &Map::new()).unwrap_err();
        assert_eq!(failure.causes()[0].field, "update_mask", "{path}");
    }
    assert!(ReadMask::parse(&shape(), &["spec.rules.nothing".to_owned()]).is_err());
    assert!(ReadMask::parse(&shape(), &["labels.a".to_owned()]).is_err());
    assert!(UpdateMask::parse(&shape(), &vec!["spec".to_owned(); 1001], &Map::new()).is_err());
}

#[test]
fn the_status_is_changed_by_itself() {
    let of_status = |paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        UpdateMask::parse(&shape(), &paths, &Map::new()).unwrap().is_of_status()
    };
    assert!(of_status(&["status.parents"]).unwrap());
    assert!(!of_status(&["spec"]).unwrap());
    assert!(of_status(&["spec", "status"]).is_err());
}

#[test]
fn read_masks_go_through_lists() {
    let mask = |paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        ReadMask::parse(&shape(), &paths).unwrap()
    };
    assert_eq!(mask(&[]), None);
    assert_eq!(mask(&["name", "*"]), None);
    assert_eq!(mask(&["spec.rules.name"]), mask(&["spec.rules.*.name"]));
    // What is wanted whole stays so, whichever comes first.
    assert_eq!(mask(&["spec", "spec.rules"]), mask(&["spec"]));
    assert_eq!(mask(&["spec.rules", "spec"]), mask(&["spec"]));
}

#[test]
fn paths_of_json_itself_are_taken_as_they_are() {
    let fields = object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "v"}}),
    );
    let UpdateMask::Paths(found) = UpdateMask::parse_json(&[], &fields).unwrap() else { panic!("not all") };
    assert_eq!(found, [vec!["metadata", "labels", "x"], vec!["data", "k"]]);
    assert!(UpdateMask::parse_json(&["metadata.uid".to_owned()], &fields).is_err());
    assert!(UpdateMask::parse_json(&["kind".to_owned()], &fields).is_err());
}

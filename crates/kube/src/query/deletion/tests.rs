use super::{Extent, check};

fn verdict(query: &str, extent: Extent) -> bool {
    check(&format!("/x?{query}").parse().unwrap(), extent).is_ok()
}

#[test]
fn what_clients_send_is_understood() {
    for query in [
        "",
        "labelSelector=app%3Dweb&limit=500&continue=abc&pretty",
        "fieldSelector=metadata.name%3D&resourceVersion=0&resourceVersionMatch=NotOlderThan",
        "sendInitialEvents=false&allowWatchBookmarks=true&watch=false&timeoutSeconds=30",
        "orphanDependents=false&ignoreStoreReadErrorWithClusterBreakingPotential=false",
        "fieldManager=kubectl&fieldValidation=Strict&pretty=",
        "dryRun=All&dryRun=All&gracePeriodSeconds=0&propagationPolicy=Background&timeout=32s",
    ] {
        assert!(verdict(query, Extent::Collection), "{query}");
    }
    assert!(verdict("dryRun=All&propagationPolicy=Orphan&pretty=true", Extent::Object));
}

#[test]
fn whatever_would_widen_a_deletion_is_refused() {
    for query in [
        "watch=true",
        "watch=1",
        "labelSelector=",
        "labelSelector=%20,+",
        "fieldSelector=,",
        "labelselector=app%3Dweb",
        "selector=app%3Dweb",
        "name=web",
        "limit=",
        "limit=0",
        "limit=00",
        "limit=1&limit=500",
        "labelSelector=a&labelSelector=b",
        "continue=",
        "resourceVersion=",
        "dryRun=",
        "dryrun=All",
        "watch=true",
    ] {
        assert!(!verdict(query, Extent::Collection), "{query}");
    }
    for query in ["labelSelector=a", "limit=1", "resourceVersion=5", "dryrun=All", "uid=x"] {
        assert!(!verdict(query, Extent::Object), "{query}");
    }
}

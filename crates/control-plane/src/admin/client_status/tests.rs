use backstay_resources::Timestamp;
use backstay_xds::server::StreamId;
use backstay_xds::{Resource, ResourceChange};
use tonic::Code;

use super::*;
use crate::tracker::{Refusal, Subscription};

/// A control plane with two proxies of a fleet that has three resources: `one` has them all but for one that it refuses, `two` none.
fn served() -> ClientStatus {
    let (fleet, kind): (Arc<str>, Arc<str>) = ("edge".into(), RESOURCE_TYPE_URL.into());
    let shared = Arc::new(Shared::default());
    shared.update(|tracker| {
        let put = |name: &'static str| ResourceChange::Put(Resource::new(name, name.into()));
        tracker.published(&fleet, &kind, 5, &[put("backend/a"), put("backend/b")]);
        tracker.published(&fleet, &kind, 7, &[put("route/c")]);
        for (id, node) in [(1, "one"), (2, "two")] {
            let types = [(kind.clone(), Subscription::default())].into();
            let stream = Stream {
                fleet: fleet.clone(),
                node_id: node.to_owned(),
                address: String::new(),
                version: "1".to_owned(),
                connected: Timestamp::from_second(1),
                replica: None,
                types,
            };
            tracker.opened(StreamId(id), stream);
        }
        let refusal = Refusal { version: "v".into(), field: "tls".to_owned(), message: "no".to_owned() };
        tracker.refused(StreamId(1), &kind, "backend/b".into(), refusal);
        tracker.synchronised(StreamId(1), &kind, 6);
    });
    ClientStatus { shared, most: 100 }
}

fn matching(pattern: MatchPattern, ignore_case: bool) -> ClientStatusRequest {
    let node_id = Some(StringMatcher { match_pattern: Some(pattern), ignore_case });
    ClientStatusRequest { node_matchers: vec![NodeMatcher { node_id, ..Default::default() }], ..Default::default() }
}

fn nodes(response: &ClientStatusResponse) -> Vec<&str> {
    response.config.iter().map(|client| client.node.as_ref().unwrap().id.as_str()).collect()
}

#[test]
fn each_proxy_is_told_with_what_it_has_and_why_not() {
    let answer = served().answer(&ClientStatusRequest::default()).unwrap();
    assert_eq!(nodes(&answer), ["one", "two"]);
    let told = |client: &ClientConfig| -> Vec<(String, ConfigStatus, ClientResourceStatus, String)> {
        let all = client.generic_xds_configs.iter();
        all.map(|one| {
            let words = one.error_state.clone().map(|state| state.details).unwrap_or_default();
            (one.name.clone(), one.config_status(), one.client_status(), words)
        })
        .collect()
    };
    let row = |name: &str, config, client, words: &str| (name.to_owned(), config, client, words.to_owned());
    assert_eq!(
        told(&answer.config[0]),
        [
            row("backend/a", ConfigStatus::Synced, ClientResourceStatus::ClientAcked, ""),
            row("backend/b", ConfigStatus::Error, ClientResourceStatus::ClientNacked, "tls: no"),
            row("route/c", ConfigStatus::Stale, ClientResourceStatus::ClientRequested, ""),
        ]
    );
    assert!(told(&answer.config[1]).iter().all(|one| one.1 == ConfigStatus::Stale));
    let first = &answer.config[0].generic_xds_configs[0];
    assert_eq!((first.type_url.as_str(), first.version_info.len()), (RESOURCE_TYPE_URL, 32));
}

#[test]
fn proxies_are_chosen_by_their_names() {
    let served = served();
    for (pattern, ignore_case, found) in [
        (MatchPattern::Exact("two".to_owned()), false, &["two"][..]),
        (MatchPattern::Exact("TWO".to_owned()), false, &[]),
        (MatchPattern::Exact("TWO".to_owned()), true, &["two"]),
        (MatchPattern::Prefix("o".to_owned()), false, &["one"]),
        (MatchPattern::Suffix("e".to_owned()), false, &["one"]),
        (MatchPattern::Contains("o".to_owned()), false, &["one", "two"]),
    ] {
        let answer = served.answer(&matching(pattern.clone(), ignore_case)).unwrap();
        assert_eq!(nodes(&answer), found, "{pattern:?}");
    }
}

#[test]
fn what_is_not_served_is_refused_by_its_field_and_a_large_answer_by_its_limit() {
    let served = served();
    let regex = served.answer(&matching(MatchPattern::SafeRegex(vec![1].into()), false)).unwrap_err();
    assert_eq!(regex.code(), Code::InvalidArgument);
    assert!(regex.message().contains("node_matchers[0].node_id"), "{regex}");
    let metadata = NodeMatcher { node_metadatas: vec![vec![1].into()], node_id: None };
    let request = ClientStatusRequest { node_matchers: vec![metadata], ..Default::default() };
    let refused = served.answer(&request).unwrap_err();
    assert!(refused.message().contains("node_matchers[0].node_metadatas"), "{refused}");
    let few = ClientStatus { most: 5, ..served };
    assert_eq!(few.answer(&ClientStatusRequest::default()).unwrap_err().code(), Code::ResourceExhausted);
    assert!(few.answer(&matching(MatchPattern::Exact("one".to_owned()), false)).is_ok());
}

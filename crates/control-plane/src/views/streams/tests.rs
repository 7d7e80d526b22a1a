use std::net::{IpAddr, Ipv4Addr};

use super::*;

fn key() -> Key {
    ("default".into(), Audience::Envoy)
}

fn client(name: &str) -> Option<Client> {
    Some((key(), name.to_owned(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST))))
}

fn reach(all: &mut All, id: u64, kind: TypeUrl, revision: u64) -> Option<u64> {
    all.streams.get_mut(&StreamId(id)).unwrap().reached.insert(kind, revision);
    all.reached(StreamId(id), &[TypeUrl::Cluster, TypeUrl::Listener])
}

#[test]
fn streams_of_one_type_each_are_one_envoy_that_has_what_all_of_them_have() {
    let mut all = All::default();
    assert!(all.open(StreamId(1), key(), client("a")));
    assert!(all.open(StreamId(2), key(), client("b")));
    assert!(!all.open(StreamId(3), key(), client("a")), "the tracker knows it already");
    assert_eq!([1, 2, 3].map(|id| all.tracked(StreamId(id)).0), [1, 2, 1]);
    assert_eq!(reach(&mut all, 1, TypeUrl::Cluster, 7), None, "there are no listeners yet");
    assert_eq!(reach(&mut all, 3, TypeUrl::Listener, 6), Some(6));
    assert_eq!(reach(&mut all, 3, TypeUrl::Listener, 9), Some(7));
    assert_eq!(reach(&mut all, 3, TypeUrl::Routes, 5), Some(5), "what it asks for besides counts");
    // The other Envoy has nothing of that.
    assert_eq!(reach(&mut all, 2, TypeUrl::Cluster, 9), None);

    // Of what is left nothing is known of clusters, and the tracker knows it as before.
    assert_eq!(all.close(StreamId(1)), None);
    assert_eq!(all.tracked(StreamId(3)), StreamId(1));
    assert_eq!(all.reached(StreamId(3), &[TypeUrl::Cluster]), None);
    assert!(!all.open(StreamId(4), key(), client("a")));
    assert_eq!(reach(&mut all, 4, TypeUrl::Cluster, 9), Some(5));
    assert_eq!((all.close(StreamId(3)), all.close(StreamId(4))), (None, Some(StreamId(1))));
    assert_eq!(all.close(StreamId(2)), Some(StreamId(2)));
    assert!(all.streams.is_empty() && all.clients.is_empty());
}

#[test]
fn an_old_connection_that_lingers_holds_its_envoy_back() {
    let mut all = All::default();
    all.open(StreamId(1), key(), client("a"));
    reach(&mut all, 1, TypeUrl::Cluster, 3);
    assert_eq!(reach(&mut all, 1, TypeUrl::Listener, 3), Some(3));
    all.open(StreamId(2), key(), client("a"));
    reach(&mut all, 2, TypeUrl::Cluster, 4);
    assert_eq!(reach(&mut all, 2, TypeUrl::Listener, 4), Some(3));
    assert_eq!(all.close(StreamId(1)), None);
    assert_eq!(reach(&mut all, 2, TypeUrl::Listener, 4), Some(4));
}

#[test]
fn clients_that_have_all_types_on_one_stream_are_each_its_own() {
    let mut all = All::default();
    assert!(all.open(StreamId(1), key(), None) && all.open(StreamId(2), key(), None));
    assert_eq!(all.close(StreamId(1)), Some(StreamId(1)));
    assert_eq!(all.close(StreamId(1)), None);
    assert_eq!(all.close(StreamId(2)), Some(StreamId(2)));
}

#[test]
fn what_is_refused_is_taken_back_by_itself_alone() {
    let mut all = All::default();
    all.open(StreamId(1), key(), client("a"));
    all.open(StreamId(2), key(), client("a"));
    let refused = |kind, name: &str| -> Refused { (kind, name.into(), "listener/a".into()) };
    all.streams
        .get_mut(&StreamId(1))
        .unwrap()
        .refused
        .extend([refused(TypeUrl::Listener, "listener/:80"), refused(TypeUrl::VirtualHost, "routes/:80/a.example")]);
    let mut accept = |id: u64, kind, name: &str| {
        let mut owners = vec![("listener/a".into(), "".into()), ("route/b".into(), "".into())];
        all.accepted(StreamId(id), kind, [Arc::from(name)].iter(), &mut owners);
        owners.len()
    };
    assert_eq!(accept(2, TypeUrl::Routes, "routes/:81"), 1, "another stream of the client refuses it");
    assert_eq!(accept(1, TypeUrl::Listener, "listener/:80"), 1, "so does a virtual host");
    assert_eq!(accept(1, TypeUrl::Routes, "routes/:80"), 2);
}

use backstay_proto::admin::{ConnectedProxy, Fleet};

use super::*;

fn status(compiled_revision: u64, changed: u64, acknowledged: &[u64]) -> GetStatusResponse {
    let proxy = |(number, revision): (usize, &u64)| ConnectedProxy {
        id: format!("p{number}"),
        acknowledged_revision: *revision,
        ..ConnectedProxy::default()
    };
    let proxies = acknowledged.iter().enumerate().map(proxy).collect();
    let fleet = Fleet { name: "edge".to_owned(), revision: changed, proxies, ..Fleet::default() };
    GetStatusResponse { revision: 10, compiled_revision, fleets: vec![fleet], ..GetStatusResponse::default() }
}

#[test]
fn a_revision_is_everywhere_when_all_proxies_have_answered_for_what_of_it_is_theirs() {
    assert_eq!(lag(&status(10, 10, &[10, 11]), 10), None);
    assert_eq!(lag(&status(10, 7, &[7, 7]), 10), None, "their fleet has not changed since");
    assert_eq!(lag(&status(12, 12, &[10]), 10), None, "what came later is not waited for");
    assert_eq!(lag(&status(10, 10, &[]), 10), None, "nobody is connected");
}

#[test]
fn who_is_waited_for_is_named() {
    assert_eq!(lag(&status(9, 9, &[9]), 10).unwrap(), "revision 9 is compiled, not 10");
    let behind = "proxy p1 of fleet edge has acknowledged revision 8, not 10";
    assert_eq!(lag(&status(10, 10, &[10, 8]), 10).unwrap(), behind);
    let more = "proxy p0 (and 1 more) of fleet edge has acknowledged revision 0, not 10";
    assert_eq!(lag(&status(10, 10, &[0, 3, 10]), 10).unwrap(), more);
}

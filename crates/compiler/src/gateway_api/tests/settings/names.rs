//! Endpoints that are names.

use backstay_proto::config::backend::Discovery;
use backstay_proto::config::endpoint::Host;
use serde_json::json;

use super::{compiled, endpoints, fixed, span};

#[test]
fn names_lead_to_srv_records() {
    let hosts = |api| endpoints(api).into_iter().map(|endpoint| endpoint.host.unwrap()).collect::<Vec<_>>();
    let api = compiled(fixed(), json!({"discovery": {"srv": {"service": "http"}}, "host": {"automatic": true}}));
    let expected = [
        Host::Srv("_http._tcp.a.example".to_owned()),
        Host::Ip("2001:db8::1".to_owned()),
        Host::Srv("_http._tcp.c.example".to_owned()),
    ];
    assert_eq!(hosts(api), expected);
    let api = compiled(fixed(), json!({"discovery": {"srv": {"service": "x", "protocol": "udp"}}}));
    assert_eq!(hosts(api)[0], Host::Srv("_x._udp.a.example".to_owned()));
}

#[test]
fn how_long_the_addresses_of_names_outlive_their_names() {
    for (sections, stale, absent) in [
        (json!({}), None, None),
        (json!({"discovery": {"maxStale": "10m"}}), span(600_000), None),
        (json!({"discovery": {"maxAbsent": "2s", "srv": {"service": "http"}}}), None, span(2_000)),
        (json!({"discovery": {"maxStale": "0s", "maxAbsent": "0s"}}), span(0), span(0)),
    ] {
        let Some(Discovery::Static(list)) = compiled(fixed(), sections.clone()).discovery else { panic!("{sections}") };
        assert_eq!((list.max_stale, list.max_absent), (stale, absent), "{sections}");
    }
}

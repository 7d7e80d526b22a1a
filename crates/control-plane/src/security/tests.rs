use std::net::SocketAddr;

use super::{AuthorityFrom, DoorFiles, Security};

const LOOPBACK: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0));
const ANY: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0));

fn refusal(security: &Security, api: (SocketAddr, bool), xds: (SocketAddr, bool)) -> String {
    security.check(api, xds).map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn loopback_needs_nothing_and_others_need_both() {
    let plain = Security::default();
    let own = Security { authority: AuthorityFrom::Store, ..Security::default() };
    assert_eq!(refusal(&plain, (LOOPBACK, false), (LOOPBACK, false)), "");
    assert!(refusal(&plain, (ANY, false), (LOOPBACK, false)).contains("--api 0.0.0.0:0"));
    assert!(refusal(&plain, (ANY, false), (LOOPBACK, false)).contains("no TLS and authentication"));
    assert!(refusal(&plain, (ANY, true), (LOOPBACK, false)).contains("no TLS:"));
    assert!(refusal(&own, (ANY, false), (LOOPBACK, false)).contains("no authentication:"));
    assert!(refusal(&own, (ANY, true), (ANY, false)).contains("--xds 0.0.0.0:0"));
    assert_eq!(refusal(&own, (ANY, true), (ANY, true)), "");
}

#[test]
fn discovery_shows_the_certificate_of_the_api_and_not_the_other_way_round() {
    let pair = || DoorFiles { pair: Some(("cert".into(), "key".into())), ..DoorFiles::default() };
    let api = Security { api: pair(), ..Security::default() };
    assert!(api.api_is_tls() && api.xds_is_tls());
    let xds = Security { xds: pair(), ..Security::default() };
    assert!(!xds.api_is_tls() && xds.xds_is_tls());
}

//! Hosts, as backends of the model.

use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::endpoint::Host;
use backstay_proto::config::resource::Kind as Resource;

use super::*;

fn backends(compiled: &Compiled) -> BTreeMap<&str, &config::Backend> {
    compiled
        .resources
        .iter()
        .filter_map(|(name, offered)| match &offered.resource {
            Resource::Backend(backend) => Some((&**name, backend)),
            _ => None,
        })
        .collect()
}

fn host(backend: &config::Backend) -> &Host {
    let Some(Discovery::Static(list)) = &backend.discovery else { panic!("endpoints") };
    list.endpoints[0].host.as_ref().unwrap()
}

#[test]
fn a_host_is_one_backend_whoever_calls_it() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a", "backend": [{"host": ["http://Users.example:8080"]}, {"host": ["https://users.example", "10.0.0.1"]}]},
           {"endpoint": "/b", "backend": [{"host": ["http://users.example", "users.example:81", "http://users.example"]}]}"#,
    ));
    let backends = backends(&made);
    let names: Vec<_> = backends.keys().copied().collect();
    assert_eq!(
        names,
        [
            "backend/krakend:default:shop:http:10.0.0.1",
            "backend/krakend:default:shop:http:users.example",
            "backend/krakend:default:shop:https:users.example"
        ]
    );
    assert_eq!(host(backends[names[0]]), &Host::Ip("10.0.0.1".into()));
    assert_eq!(host(backends[names[1]]), &Host::Fqdn("users.example".into()));
    assert_eq!(backends[names[2]].protocol(), Protocol::Http1Tls);
    assert!(backends[names[2]].tls.is_some() && backends[names[1]].tls.is_none());

    let target = |call: &config::Call| -> Vec<(u32, String, u32)> {
        let each = call.targets.iter();
        each.map(|target| (target.backend.as_ref().unwrap().port, target.authority.clone(), target.weight)).collect()
    };
    let a = compose(&made, "GET /a");
    assert_eq!(target(&a.calls[0]), [(8080, "Users.example:8080".to_owned(), 1)]);
    assert_eq!(target(&a.calls[1]), [(443, "users.example".to_owned(), 1), (80, "10.0.0.1".to_owned(), 1)]);
    let b = compose(&made, "GET /b");
    assert_eq!(target(&b.calls[0]), [(80, "users.example".to_owned(), 2), (81, "users.example:81".to_owned(), 1)]);
}

#[test]
fn a_base_and_an_address_of_six_words_go_with_hosts_that_are_not_sanitised() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a", "backend": [{"disable_host_sanitize": true, "host": ["http://[2001:db8::1]:81/base/"]}]}"#,
    ));
    let backends = backends(&made);
    let (name, backend) = backends.first_key_value().unwrap();
    assert_eq!(*name, "backend/krakend:default:shop:http:2001:db8::1");
    assert_eq!(host(backend), &Host::Ip("2001:db8::1".into()));
    let target = &compose(&made, "GET /a").calls[0].targets[0];
    assert_eq!((target.authority.as_str(), target.base_path.as_str()), ("[2001:db8::1]:81", "/base"));
}

#[test]
fn records_of_dns_say_whom_to_call() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a", "backend": [{"sd": "dns", "sd_scheme": "https", "disable_host_sanitize": true, "host": ["_api._tcp.shop"]}]}"#,
    ));
    let backends = backends(&made);
    let (name, backend) = backends.first_key_value().unwrap();
    assert_eq!(*name, "backend/krakend:default:shop:srv:https:_api._tcp.shop");
    assert_eq!((host(backend), backend.protocol()), (&Host::Srv("_api._tcp.shop".into()), Protocol::Http1Tls));
    let target = &compose(&made, "GET /a").calls[0].targets[0];
    assert_eq!((target.authority.as_str(), target.backend.as_ref().unwrap().port), ("", 0));
}

#[test]
fn what_cannot_be_called_is_left_out_or_refused() {
    let (made, _) = compiled(
        &with_endpoints(r#"{"endpoint": "/a", "backend": [{"disable_host_sanitize": true, "host": ["h:80"]}]}"#),
        Files::Unknown,
    );
    assert!(compose(&made.unwrap(), "GET /a").calls[0].targets.is_empty());
    let refused = said(&with_endpoints(
        r#"{"endpoint": "/a", "backend": [{"disable_host_sanitize": true, "host": ["amqp://h"]}]}"#,
    ));
    assert!(refused.iter().any(|line| line.contains("error") && line.contains("not over \"amqp\"")), "{refused:?}");
}

#[test]
fn connections_are_as_the_service_says() {
    let made = sound(
        r#"{"version": 3, "dialer_timeout": "3s", "idle_connection_timeout": "9s", "response_header_timeout": "1s",
            "disable_keep_alives": true, "allow_insecure_connections": true,
            "endpoints": [{"endpoint": "/a", "backend": [{"host": ["https://h"]}]}]}"#,
    );
    let backends = backends(&made);
    let backend = backends.values().next().unwrap();
    let timeouts = backend.timeouts.as_ref().unwrap();
    let seconds = |span: Option<prost_types::Duration>| span.map(|span| span.seconds);
    assert_eq!(
        (seconds(timeouts.connect), seconds(timeouts.idle), seconds(timeouts.first_byte)),
        (Some(3), Some(9), Some(1))
    );
    assert_eq!(backend.connections.as_ref().unwrap().max_requests, 1);
    assert!(backend.tls.as_ref().unwrap().skip_verification);
}

#[test]
fn a_policy_makes_a_backend_of_its_own() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a", "extra_config": {"backstay": {"policy": "slow"}}, "backend": [{"host": ["h"]}]},
           {"endpoint": "/b", "backend": [{"host": ["h"]}, {"host": ["h"], "extra_config": {"backstay": {"policy": "fast"}}}]}"#,
    ));
    let policies: Vec<_> = made.resources.iter().map(|(name, offered)| (&**name, offered.policy.as_deref())).collect();
    assert_eq!(
        policies,
        [
            ("backend/krakend:default:shop:http:h", None),
            ("backend/krakend:default:shop:http:h:fast", Some("fast")),
            ("backend/krakend:default:shop:http:h:slow", Some("slow"))
        ]
    );
}

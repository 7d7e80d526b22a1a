use serde_json::{Value, json};

use super::{BACKEND, Backend, BackendProtocol};
use crate::object::Object;
use crate::{GoDuration, admit};

fn backend(spec: Value) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "b"}, "spec": spec})
}

fn admitted(spec: Value) -> Object {
    admit(&BACKEND, backend(spec), None).unwrap().object
}

fn errors(spec: Value) -> Vec<String> {
    admit(&BACKEND, backend(spec), None).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn protocols_are_folded_and_checked() {
    let cases = [
        ("", BackendProtocol::Http1),
        ("h2", BackendProtocol::H2),
        ("H2", BackendProtocol::H2),
        ("H2c", BackendProtocol::H2c),
        ("TLS", BackendProtocol::Tls),
    ];
    for (written, meant) in cases {
        let object = admitted(json!({"endpoints": [{"ip": "10.0.0.1"}], "protocol": written}));
        assert_eq!(object.typed::<Backend>().unwrap().spec.protocol, meant, "{written}");
        assert_eq!(object.body["spec"]["protocol"], written.to_lowercase());
    }
    assert_eq!(
        errors(json!({"endpoints": [{"ip": "10.0.0.1"}], "protocol": "HTTP3"})),
        [r#"spec.protocol: Unsupported value: "http3": supported values: "", "tls", "h2", "h2c""#]
    );
}

#[test]
fn an_absent_protocol_is_written_out() {
    let object = admitted(json!({"endpoints": [{"ip": "10.0.0.1"}]}));
    assert_eq!(object.body["spec"], json!({"endpoints": [{"ip": "10.0.0.1"}], "protocol": ""}));
}

#[test]
fn endpoints_are_required_only_without_dynamic_proxy() {
    let required = "spec.endpoints: Required value: at least one endpoint, unless dynamicProxy is set";
    assert_eq!(errors(json!({})), [required]);
    assert_eq!(errors(json!({"endpoints": []})), [required]);
    admitted(json!({"dynamicProxy": {}}));
    admitted(json!({"dynamicProxy": {}, "endpoints": []}));
}

#[test]
fn each_endpoint_has_exactly_one_address() {
    assert_eq!(errors(json!({"endpoints": [{}]})), ["spec.endpoints[0]: Required value: one of fqdn and ip"]);
    assert_eq!(
        errors(json!({"endpoints": [{"ip": "10.0.0.1"}, {"fqdn": "a.example", "ip": "10.0.0.1"}]})),
        ["spec.endpoints[1].ip: Forbidden: ip and fqdn cannot be specified together"]
    );
    let object = admitted(json!({"endpoints": [{"fqdn": "", "ip": "10.0.0.1"}]}));
    assert_eq!(object.body["spec"]["endpoints"], json!([{"ip": "10.0.0.1"}]));
}

#[test]
fn names_of_endpoints() {
    for good in ["localhost", "api.example.com", "x.y.example.com", "1a.example", "xn--bcher-kva.example"] {
        admitted(json!({"endpoints": [{"fqdn": good}]}));
    }
    let cases = [
        ("api.example.com.", "must not end with a dot"),
        ("API.example.com", "must be lower case: write \"api.example.com\""),
        ("a..b", "must be a DNS name"),
        ("a b.example", "must be a DNS name"),
        ("a/b.example", "must be a DNS name"),
        ("b\u{fc}cher.example", "must be a DNS name"),
        ("10.0.0.1", "is an IP address: write it as ip"),
        ("::1", "is an IP address: write it as ip"),
        ("127.1", "the last label must not be a number"),
        ("a.0x7f", "the last label must not be a number"),
        ("*.example.com", "a wildcard cannot be connected to"),
        (&format!("{}.example", "a".repeat(64)), "each label must be no more than 63 bytes"),
        (&["a"; 128].join("."), "must be no more than 253 bytes"),
    ];
    for (bad, why) in cases {
        let found = errors(json!({"endpoints": [{"fqdn": bad}]}));
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(found[0].starts_with(&format!("spec.endpoints[0].fqdn: Invalid value: {bad:?}: {why}")), "{found:?}");
    }
}

#[test]
fn names_that_no_host_has_are_endpoints_where_no_certificate_is_to_carry_them() {
    for name in ["my_service", "_http._tcp.example", "-a.example", "a-.example", "a.-"] {
        for protocol in ["", "h2c"] {
            admitted(json!({"endpoints": [{"fqdn": name}], "protocol": protocol}));
        }
        admitted(json!({"endpoints": [{"fqdn": name}], "dynamicProxy": {}, "protocol": "tls"}));
        for protocol in ["tls", "h2"] {
            let found = errors(json!({"endpoints": [{"fqdn": name}], "protocol": protocol}));
            assert!(found.len() == 1 && found[0].contains("must be a host name"), "{found:?}");
        }
    }
}

#[test]
fn addresses_of_endpoints() {
    for good in ["10.9.8.7", "127.0.0.1", "::1", "2001:DB8::1", "::ffff:10.0.0.1"] {
        admitted(json!({"endpoints": [{"ip": good}]}));
    }
    let cases = [
        ("0.0.0.0", "is the unspecified address"),
        ("::", "is the unspecified address"),
        ("::ffff:0.0.0.0", "is the unspecified address"),
        ("224.0.0.1", "is a multicast or broadcast address"),
        ("fe80::1%eth0", "must not have a zone"),
        ("010.0.0.1", "must be an IPv4 or IPv6 address"),
        ("10.0.0.1:80", "must be an IPv4 or IPv6 address"),
        ("api.example.com", "must be an IPv4 or IPv6 address"),
    ];
    for (bad, why) in cases {
        let found = errors(json!({"endpoints": [{"ip": bad}]}));
        assert!(found[0].starts_with(&format!("spec.endpoints[0].ip: Invalid value: {bad:?}: {why}")), "{found:?}");
    }
}

#[test]
fn equal_endpoints_are_refused_however_they_are_written() {
    assert_eq!(
        errors(
            json!({"endpoints": [{"ip": "2001:db8::1"}, {"ip": "2001:0db8:0::1"}, {"fqdn": "a.b"}, {"fqdn": "a.b"}]})
        ),
        [
            "spec.endpoints[1].ip: Duplicate value: \"2001:0db8:0::1\"",
            "spec.endpoints[3].fqdn: Duplicate value: \"a.b\""
        ]
    );
}

#[test]
fn the_number_of_endpoints_is_bounded() {
    let many = |count: usize| (0..count).map(|n| json!({"fqdn": format!("n{n}.example")})).collect::<Vec<_>>();
    admitted(json!({"endpoints": many(1000)}));
    assert_eq!(
        errors(json!({"endpoints": many(1001)})),
        ["spec.endpoints: Too many: 1001: must have at most 1000 items"]
    );
}

#[test]
fn with_dynamic_proxy_endpoints_are_an_allow_list() {
    admitted(
        json!({"dynamicProxy": {}, "endpoints": [{"fqdn": "*.example.com"}, {"fqdn": "a.b"}, {"ip": "10.0.0.1"}]}),
    );
    for bad in ["*", "*.", "a.*.example", "*.Example.com", "*.*.example"] {
        assert_eq!(errors(json!({"dynamicProxy": {}, "endpoints": [{"fqdn": bad}]})).len(), 1, "{bad}");
    }
}

#[test]
fn defaults_of_the_dns_cache_are_written_out() {
    let all = json!({
        "dnsLookupFamily": "auto", "dnsRefreshRate": "1m0s", "dnsMinRefreshRate": "5s", "dnsQueryTimeout": "5s",
        "hostTTL": "5m0s", "maxHosts": 1024
    });
    for spec in [json!({}), json!({"dnsCacheConfig": {}}), json!({"dnsCacheConfig": null})] {
        assert_eq!(admitted(json!({"dynamicProxy": spec})).body["spec"]["dynamicProxy"]["dnsCacheConfig"], all);
    }
    let given =
        json!({"dynamicProxy": {"dnsCacheConfig": {"hostTTL": "10m", "maxHosts": 5, "dnsLookupFamily": "v4_only"}}});
    let object = admitted(given);
    assert_eq!(object.body["spec"]["dynamicProxy"]["dnsCacheConfig"]["hostTTL"], "10m", "kept as written");
    let cache = object.typed::<Backend>().unwrap().spec.dynamic_proxy.unwrap().dns_cache_config;
    assert_eq!(cache.host_ttl, Some(GoDuration(std::time::Duration::from_secs(600))));
    assert_eq!(cache.max_hosts, Some(5));
}

#[test]
fn settings_of_the_dns_cache_are_bounded_and_all_errors_come_at_once() {
    let found = errors(json!({"dynamicProxy": {"dnsCacheConfig": {
        "dnsLookupFamily": "v5_only", "dnsRefreshRate": "999us", "dnsMinRefreshRate": "999ms", "dnsQueryTimeout": "-1s",
        "hostTTL": "0s", "maxHosts": 0
    }}, "endpoints": [{}]}));
    let paths: Vec<&str> = found.iter().map(|error| error.split(": ").next().unwrap()).collect();
    let cache = "spec.dynamicProxy.dnsCacheConfig";
    for field in ["dnsLookupFamily", "dnsRefreshRate", "dnsMinRefreshRate", "dnsQueryTimeout", "hostTTL", "maxHosts"] {
        assert!(paths.contains(&format!("{cache}.{field}").as_str()), "{field}: {found:#?}");
    }
    assert!(paths.contains(&"spec.endpoints[0]"), "{found:#?}");
    assert_eq!(found.len(), 7, "{found:#?}");
    admitted(json!({"dynamicProxy": {"dnsCacheConfig": {
        "dnsRefreshRate": "1ms", "dnsMinRefreshRate": "1s", "dnsQueryTimeout": "0s", "hostTTL": "1ns", "maxHosts": 1
    }}}));
}

#[test]
fn a_malformed_duration_names_its_field() {
    assert_eq!(
        errors(json!({"dynamicProxy": {"dnsCacheConfig": {"hostTTL": "5 minutes"}}})),
        [concat!(
            "spec.dynamicProxy.dnsCacheConfig.hostTTL: Invalid value: \"5 minutes\": ",
            "must be a duration such as \"5s\", \"1m30s\" or \"100ms\""
        )]
    );
    assert_eq!(
        errors(json!({"dynamicProxy": {"dnsCacheConfig": {"maxHosts": -1}}})),
        [concat!(
            "spec.dynamicProxy.dnsCacheConfig.maxHosts: Invalid value: -1: ",
            "spec.dynamicProxy.dnsCacheConfig.maxHosts in body should be greater than or equal to 0"
        )]
    );
}

#[test]
fn an_update_is_judged_by_what_it_asks_for() {
    let good = admitted(json!({"endpoints": [{"ip": "10.0.0.1"}]}));
    let mut stale = good.clone();
    stale.body.insert("spec".to_owned(), json!({"endpoints": [{}]}));
    assert!(admit(&BACKEND, backend(json!({"endpoints": [{}]})), Some(&good)).is_err());
    admit(&BACKEND, backend(json!({"endpoints": [{"ip": "10.0.0.2"}]})), Some(&stale)).unwrap();
}

#[test]
fn rows() {
    let row = |spec| (BACKEND.cells)(&admitted(spec));
    let ip = |n| json!({"ip": format!("10.0.0.{n}")});
    assert_eq!(
        row(json!({"endpoints": [ip(1), {"fqdn": "a.b"}], "protocol": "h2"})),
        [json!("10.0.0.1,a.b"), json!("h2"), json!("false"), json!("")]
    );
    let many: Vec<Value> = (1..8).map(ip).collect();
    let many = row(json!({ "endpoints": many }));
    assert_eq!(many[0], "10.0.0.1,10.0.0.2,10.0.0.3 + 4 more...");
    assert_eq!(many[1], "http");
    assert_eq!(row(json!({"dynamicProxy": {}}))[..3], [json!("*"), json!("http"), json!("true")]);
    let mut object = admitted(json!({"endpoints": [ip(1)]}));
    object.body.insert("status".to_owned(), json!({"conditions": [{"type": "Programmed", "status": "True"}]}));
    assert_eq!((BACKEND.cells)(&object)[3], "True");
    assert_eq!(BACKEND.columns.len(), 4);
}

#[test]
fn the_protocol_can_be_selected_by() {
    let selectable = BACKEND.selectable[0];
    assert_eq!(selectable.path, "spec.protocol");
    assert_eq!((selectable.value)(&admitted(json!({"endpoints": [{"ip": "10.0.0.1"}], "protocol": "H2C"}))), "h2c");
}

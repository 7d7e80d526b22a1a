//! Whatever the order of changes and however they are batched, the same objects end up compiled the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    CERTIFICATE, OTHER_CERTIFICATE, PRIVATE_KEY, World, backend_of, certificate, class, gateway, namespace, policy,
    proxy, secret, set, with,
};
use crate::{Change, ObjectKey};

/// One of several versions of one of several objects; the numbers choose.
fn version(which: usize, version: usize) -> Value {
    let name = |prefix: &str, count: usize| format!("{prefix}{}", (which / 10) % count);
    let pick = |options: &[Value], salt: usize| options[(version / salt) % options.len()].clone();
    let time = || json!(format!("2024-05-01T10:00:0{}Z", version % 3));
    match which % 10 {
        0 => {
            let controllers = [json!("backstay.dev/gateway-controller"), json!("example.com/other")];
            with(class(), "/spec/controllerName", pick(&controllers, 5))
        }
        1 => proxy(&name("p", 2)),
        2 => namespace(&name("n", 2), pick(&[json!({}), json!({"team": "web"})], 1)),
        3 => {
            let secrets = [certificate("c"), secret("c", &[("tls.crt", OTHER_CERTIFICATE), ("tls.key", PRIVATE_KEY)])];
            with(pick(&secrets, 2), "/metadata/name", json!(name("c", 2)))
        }
        4 | 5 => gateway_version(&name("g", 4), &pick, time()),
        6 | 7 => route_version(&name("r", 6), &name("n", 2), &pick, time()),
        8 => {
            let specs = [
                json!({"endpoints": [{"ip": "192.0.2.1"}]}),
                json!({"endpoints": [{"ip": "192.0.2.2"}], "protocol": "tls"}),
                json!({"dynamicProxy": {}, "protocol": "h2"}),
                json!({"endpoints": [{"fqdn": "a.example"}], "protocol": "h2"}),
            ];
            backend_of(&name("b", 4), pick(&specs, 1))
        }
        _ => {
            let settings = [
                json!({"timeouts": {"connect": "1s"}}),
                json!({"tls": {"sni": "a.example.com"}}),
                json!({"tls": {"caCertificateRef": {"name": "ca", "namespace": "infra"}}}),
                json!({"tls": {
                    "caCertificateRef": {"name": "ca", "namespace": "infra"},
                    "clientCertificateRef": {"name": "client", "namespace": "infra"}
                }}),
                json!({"tls": {"insecureSkipVerify": true}, "host": {"automatic": true}}),
                json!({"endpoints": [{"ip": "192.0.2.1", "weight": 2}], "healthChecks": [{"grpc": {}}]}),
                json!({"discovery": {"srv": {"service": "http"}}, "dynamicProxy": {"dns": {"strictAuto": true}}}),
            ];
            let mut spec = pick(&settings, 1);
            spec["targetRefs"] = pick(&[json!([{"name": "b0"}]), json!([{"name": "b1"}, {"name": "b2"}])], 7);
            with(policy(&name("q", 3), "2024-05-01T10:00:00Z", spec), "/metadata/creationTimestamp", time())
        }
    }
}

fn gateway_version(name: &str, pick: &dyn Fn(&[Value], usize) -> Value, time: Value) -> Value {
    let tls = json!({"certificateRefs": [{"name": "c0"}, {"name": "c1"}]});
    let listeners = [
        json!([{"name": "l", "protocol": "HTTP", "port": 80}]),
        json!([{"name": "l", "protocol": "HTTP", "port": 80, "hostname": "*.example.com"},
            {"name": "m", "protocol": "HTTP", "port": 81}]),
        json!([{"name": "l", "protocol": "HTTPS", "port": 80, "tls": tls}]),
        json!([{"name": "l", "protocol": "HTTPS", "port": 443, "tls": tls},
            {"name": "m", "protocol": "HTTP", "port": 80, "hostname": "a.example.com"}]),
        json!([{"name": "l", "protocol": "TCP", "port": 80}]),
    ];
    let mut listeners = pick(&listeners, 1);
    let selector = json!({"from": "Selector", "selector": {"matchLabels": {"team": "web"}}});
    listeners[0]["allowedRoutes"] = json!({"namespaces": pick(&[json!({"from": "All"}), selector], 5)});
    let on = |fleet: &str| json!({"parametersRef": {"kind": "Proxy", "name": fleet}});
    let gateway = with(gateway(name, listeners), "/metadata/creationTimestamp", time);
    let gateway = with(gateway, "/spec/addresses", pick(&[json!([]), json!([{"value": "192.0.2.1"}])], 10));
    with(gateway, "/spec/infrastructure", pick(&[json!({}), on("p0"), on("p1")], 7))
}

fn route_version(name: &str, namespace: &str, pick: &dyn Fn(&[Value], usize) -> Value, time: Value) -> Value {
    let to = |name: &str| json!({"kind": "Backend", "name": name, "port": 80});
    let parent = |name: &str| json!({"name": name, "namespace": "infra"});
    let mirror = json!({"type": "RequestMirror", "requestMirror": {"backendRef": to("b3")}});
    let rules = [
        json!([{"backendRefs": [to("b0")]}]),
        json!([{"backendRefs": [to("b1"), to("b2")]}, {"filters": [mirror], "backendRefs": [to("b0")]}]),
        json!([{"backendRefs": [{"kind": "Backend", "name": "b2"}]}]),
        json!([{"filters": [{"type": "ExternalAuth"}]}]),
    ];
    let parents = [json!([parent("g0")]), json!([parent("g1"), parent("g2")]), json!([parent("g3"), parent("g0")])];
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": time},
        "spec": {
            "parentRefs": pick(&parents, 1),
            "hostnames": pick(&[json!([]), json!(["a.example.com", "b.example.org"])], 3),
            "rules": pick(&rules, 6),
        },
    })
}

/// A change, and whether the batch ends with it.
fn changes() -> impl Strategy<Value = Vec<(Change, bool)>> {
    let change = (0..1000_usize, 0..1000_usize, 0..4_u8, any::<bool>()).prop_map(|(which, number, outcome, last)| {
        let mut change = set(version(which, number));
        if outcome == 0 {
            change.object = None;
        }
        (change, last)
    });
    proptest::collection::vec(change, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_batches_do_not_matter(changes in changes()) {
        // Present in the end: a Backend whose Secret is lost stands as it last could, which depends on the past.
        let authority = |certificate: &str| (set(secret("ca", &[("ca.crt", certificate)])), true);
        let client = |chain: &str| (set(secret("client", &[("tls.crt", chain), ("tls.key", PRIVATE_KEY)])), true);
        let first = [authority(OTHER_CERTIFICATE), client(OTHER_CERTIFICATE)];
        let last = [authority(CERTIFICATE), client(CERTIFICATE)];
        let mut world = World::new([]);
        let mut last_of: BTreeMap<ObjectKey, Change> = BTreeMap::new();
        let mut batch = Vec::new();
        for (change, ends) in first.into_iter().chain(changes).chain(last) {
            last_of.insert(change.key.clone(), change.clone());
            batch.push(change);
            if ends {
                world.apply(std::mem::take(&mut batch));
            }
        }
        let mut fresh = World::new([]);
        fresh.apply(last_of.into_values().rev());
        prop_assert_eq!(&world.held, &fresh.held);
        // What was once ours and is another controller's now keeps what was said of it.
        world.statuses.retain(|key, _| fresh.statuses.contains_key(key));
        prop_assert_eq!(&world.statuses, &fresh.statuses);
    }
}

//! What the proxy says that it holds.

use backstay_proto::config::{
    Backend, Connections, Filter, Forward, HashPolicy, Header, HeaderModifier, HealthCheck, Limits, LoadBalancing,
    OutlierDetection, Retries, Secret, Timeouts, filter, hash_policy, health_check, limits, load_balancing, resource,
    rule, secret,
};
use backstay_proxy::Proxy;
use serde_json::json;

use super::plane::{ControlPlane, free_port};
use super::{acknowledged, admin, all, options};

const SECRET: &str = "hunter2";

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn with_policies(plain: Backend) -> Backend {
    Backend {
        timeouts: Some(Timeouts { first_byte: seconds(3), ..Timeouts::default() }),
        load_balancing: Some(LoadBalancing {
            policy: Some(load_balancing::Policy::RingHash(load_balancing::RingHash {
                minimum_size: 2048,
                ..Default::default()
            })),
            hash_policies: vec![HashPolicy { kind: Some(hash_policy::Kind::SourceIp(true)), terminal: true }],
            ..LoadBalancing::default()
        }),
        outlier_detection: Some(OutlierDetection { consecutive_5xx: Some(0), ..OutlierDetection::default() }),
        health_checks: vec![HealthCheck {
            kind: Some(health_check::Kind::Http(health_check::Http {
                path: "/healthz".into(),
                headers: vec![health_check::Header { name: "authorization".into(), value: SECRET.into() }],
                expected_statuses: vec![health_check::StatusRange { start: 200, end: 299 }],
                ..Default::default()
            })),
            timeout: seconds(1),
            interval: seconds(3600),
            verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 1, unhealthy: 2 })),
            ..HealthCheck::default()
        }],
        limits: Some(Limits {
            pending_requests: Some(0),
            retry_budget: Some(limits::RetryBudget { percent: 12.5, minimum: 0 }),
            ..Limits::default()
        }),
        retries: Some(Retries { on: vec!["5xx".into()], attempts: 2, ..Retries::default() }),
        connections: Some(Connections { max_requests: 7, ..Connections::default() }),
        ..plain
    }
}

#[tokio::test]
async fn policies_are_in_the_dump_and_credentials_are_not() {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let mut resources = all(listen, "127.0.0.1", free_port());
    let resource::Kind::Backend(plain) = resources[1].1.clone() else { unreachable!() };
    resources[1].1 = resource::Kind::Backend(with_policies(plain));
    let resource::Kind::Route(route) = &mut resources[2].1 else { unreachable!() };
    let set = vec![Header { name: "authorization".into(), value: SECRET.into() }];
    let kind = filter::Kind::RequestHeaders(HeaderModifier { set, ..HeaderModifier::default() });
    route.rules[0].filters.push(Filter { kind: Some(kind) });
    let Some(rule::Action::Forward(Forward { backends, .. })) = &mut route.rules[0].action else { unreachable!() };
    backends.push(backends[0].clone());
    backends[1].weight = 0;
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let private_key = pair.signing_key.serialize_pem();
    let key_line = private_key.lines().nth(1).unwrap().to_owned();
    let certificate = secret::Certificate { chain: pair.cert.pem().into(), private_key: private_key.into() };
    let certificate = Secret { kind: Some(secret::Kind::Certificate(certificate)) };
    resources.push(("secret/n/s", resource::Kind::Secret(certificate)));
    plane.put(resources);
    acknowledged(&mut plane, 1).await;

    let (_, text) = admin(&proxy, "/config_dump").await;
    assert!(!text.contains(SECRET) && !text.contains(&key_line) && !text.contains("BEGIN"), "{text}");
    let dump: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&dump["limits"]["max-connections"], &dump["limits"]["header-timeout"]), (&50_000.into(), &10.into()));
    let content = |name: &str| {
        let all = dump["resources"].as_array().unwrap();
        all.iter().find(|resource| resource["name"] == name).unwrap()["content"].clone()
    };
    let backend = json!({
        "protocol": "HTTP1",
        "static": {"endpoints": [{"ip": "127.0.0.1", "health": "HEALTHY"}]},
        "timeouts": {"firstByte": "3s"},
        "loadBalancing": {
            "ringHash": {"minimumSize": 2048},
            "hashPolicies": [{"sourceIp": true, "terminal": true}],
            "endpointKey": "ADDRESS_AND_PORT",
        },
        "outlierDetection": {"consecutive5xx": 0},
        "healthChecks": [{
            "http": {
                "path": "/healthz",
                "expectedStatuses": [{"start": 200, "end": 299}],
                "headers": [{"name": "authorization", "value": "redacted"}],
            },
            "timeout": "1s",
            "interval": "3600s",
            "thresholds": {"healthy": 1, "unhealthy": 2},
        }],
        "limits": {"pendingRequests": 0, "retryBudget": {"percent": 12.5}},
        "retries": {"on": ["5xx"], "attempts": 2},
        "connections": {"maxRequests": 7},
    });
    assert_eq!(content("backend/web"), backend);
    let rule = &content("route/n/web")["rules"][0];
    let edit = json!([{"requestHeaders": {"set": [{"name": "authorization", "value": "redacted"}]}}]);
    assert_eq!((&rule["filters"], &rule["forward"]["backends"][1]["weight"]), (&edit, &0.into()));
    assert_eq!(content("secret/n/s")["certificate"]["privateKey"], "redacted");
    proxy.shutdown().await;
}

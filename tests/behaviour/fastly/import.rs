//! Services of real accounts, made again.

use std::process::Output;

use serde_json::{Value, json};

use crate::harness::{ControlPlane, Fastly, backstay};

/// What an account's `GET /service/ID/details` answers, cut to what differs.
fn details() -> Value {
    json!({
        "id": "SU1Z0isxPaozGVKXdv0eY", "name": "shop", "type": "vcl", "comment": "the shop", "customer_id": "x",
        "versions": [], "version": {"number": 9},
        "active_version": {
            "number": 7, "active": true, "locked": true, "comment": "release 7", "service_id": "SU1Z0isxPaozGVKXdv0eY",
            "backends": [
                {
                    "name": "origin", "address": "origin.example", "hostname": "origin.example", "ipv4": null, "port": 443,
                    "use_ssl": true, "ssl_cert_hostname": "origin.example", "shield": "iad-va-us", "weight": 100,
                    "request_condition": "", "healthcheck": "hc", "locked": true, "max_use": null, "version": 7,
                },
                {"name": "api", "address": "10.0.0.7", "port": 8080, "request_condition": "is api", "healthcheck": null},
            ],
            "domains": [{"name": "shop.example", "comment": "", "version": 7}],
            "conditions": [{
                "name": "is api", "type": "REQUEST", "priority": "10", "statement": "req.url ~ \"^/api/\"", "version": "7",
            }],
            "healthchecks": [{"name": "hc", "host": "shop.example", "path": "/", "headers": [], "initial": 3, "threshold": 3}],
            "directors": [{"name": "all", "type": 1, "backends": ["origin"], "quorum": 75}],
            "headers": [{
                "name": "HSTS", "action": "set", "type": "response", "dst": "http.Strict-Transport-Security",
                "src": "\"max-age=300\"", "ignore_if_set": "0", "priority": "100",
            }],
            "request_settings": [{"name": "Force TLS", "force_ssl": "1", "xff": "leave", "action": null}],
            "response_objects": [], "gzips": [{"name": "g", "content_types": "text/html", "extensions": "css"}],
            "cache_settings": [], "vcls": [],
            "snippets": [{"name": "s", "type": "fetch", "dynamic": "1", "content": null, "priority": "100"}],
            "acls": [{"id": "y", "name": "blocked"}], "dictionaries": [], "wordpress": [],
            "logging_s3": [{"name": "logs"}],
            "settings": {"general.default_ttl": 120, "general.default_host": "", "general.stale_if_error": false},
        },
    })
}

fn import(control_plane: &ControlPlane, details: &Value, more: &[&str]) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service.json");
    std::fs::write(&file, details.to_string()).unwrap();
    let server = control_plane.server();
    let arguments = [&["import", "--fastly", file.to_str().unwrap(), "--server", &server], more].concat();
    let output = backstay(arguments);
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, printed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_made_with_all_its_parts_and_what_has_no_counterpart_is_told() {
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let (output, printed) = import(&control_plane, &details(), &["--activate"]);
    assert!(output.status.success() && printed.contains("version 1 is active"), "{printed}");
    for told in ["acl 'blocked': its entries", "snippet 's'", "logging_s3: there is no counterpart", "Gzip 'g'"] {
        assert!(printed.contains(told), "{told} is not in\n{printed}");
    }
    let fastly = Fastly::new(control_plane.api());
    let service = fastly.read("/service/search?name=shop").await;
    let version = format!("/service/{}/version/1", service["id"].as_str().unwrap());
    let read = fastly.read(&version).await;
    assert_eq!((&read["active"], &read["comment"]), (&json!(true), &json!("release 7")));
    let backend = fastly.read(&format!("{version}/backend/origin")).await;
    assert_eq!((&backend["use_ssl"], &backend["shield"]), (&json!(true), &json!("iad-va-us")));
    assert_eq!(fastly.read(&format!("{version}/director/all")).await["backends"], json!(["origin"]));
    assert_eq!(fastly.read(&format!("{version}/settings")).await["general.default_ttl"], 120);
    assert_eq!(fastly.read(&format!("{version}/request_settings")).await[0]["force_ssl"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_refused_is_told_and_the_rest_is_made() {
    let control_plane = ControlPlane::start();
    let mut details = details();
    details["active_version"]["backends"][1]["address"] = "not a host".into();
    let (output, printed) = import(&control_plane, &details, &["--activate"]);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("backend 'api': Address 'not a host' is not a valid IPv4, IPv6 or hostname"), "{printed}");
    assert!(!printed.contains("is active"), "{printed}");
    let fastly = Fastly::new(control_plane.api());
    let service = fastly.read("/service/search?name=shop").await;
    let path = format!("/service/{}/version/1/backend", service["id"].as_str().unwrap());
    assert_eq!(fastly.read(&path).await.as_array().unwrap().len(), 1);
    let (output, printed) = import(&control_plane, &json!({"msg": "Record not found"}), &[]);
    assert!(!output.status.success() && printed.contains("is not what GET /service/ID/details answers"), "{printed}");
}

use serde_json::{Value, json};

use super::rows_of;

fn gateway() -> Value {
    json!({"metadata": {"name": "web", "namespace": "default"}, "spec": {
        "listeners": [
            {"name": "http", "protocol": "HTTP", "port": 8080},
            {"name": "https", "protocol": "HTTPS", "port": 8443, "hostname": "shop.example.com"}]}})
}

fn route(parent: Value, hostnames: Value) -> Value {
    json!({"metadata": {"name": "r", "namespace": "default"}, "spec": {
        "parentRefs": [parent], "hostnames": hostnames,
        "rules": [
            {"backendRefs": [{"name": "a", "port": 80}]},
            {"matches": [{"path": {"type": "Exact", "value": "/x"}, "method": "GET"}],
             "backendRefs": [{"name": "a", "port": 80, "weight": 9}, {"name": "b", "port": 81}]},
            {"filters": [{"type": "RequestRedirect"}]}]}})
}

#[test]
fn every_listener_and_match_has_a_row() {
    let rows = rows_of(&gateway(), &route(json!({"name": "web"}), Value::Null));
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0], ["http://127.0.0.1:8080", "any", "/", "a:80"]);
    assert_eq!(rows[1], ["http://127.0.0.1:8080", "any", "GET = /x", "a:80 (weight 9), b:81"]);
    assert_eq!(rows[5], ["https://127.0.0.1:8443", "shop.example.com", "/", "redirect"]);
}

#[test]
fn only_the_listeners_that_the_route_names_serve_it() {
    let hosts = json!(["a.example.com", "b.example.com"]);
    let rows = rows_of(&gateway(), &route(json!({"name": "web", "sectionName": "http"}), hosts));
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0][1], "a.example.com, b.example.com");
    assert!(rows_of(&gateway(), &route(json!({"name": "web", "namespace": "other"}), Value::Null)).is_empty());
    assert!(rows_of(&gateway(), &route(json!({"name": "web", "port": 1}), Value::Null)).is_empty());
}

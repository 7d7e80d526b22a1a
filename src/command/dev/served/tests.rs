use serde_json::{Value, json};

use super::{Row, rows_of};

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

fn cells(row: &Row) -> [&str; 4] {
    [&row.url, &row.host, &row.matches, &row.goes_to]
}

#[test]
fn every_listener_and_match_has_a_row() {
    let rows = rows_of(&gateway(), &route(json!({"name": "web"}), Value::Null));
    assert_eq!(rows.len(), 6);
    assert_eq!(cells(&rows[0]), ["http://127.0.0.1:8080", "any", "/", "a:80"]);
    assert_eq!(cells(&rows[1]), ["http://127.0.0.1:8080", "any", "GET = /x", "a:80 (weight 9), b:81"]);
    assert_eq!(cells(&rows[5]), ["https://127.0.0.1:8443", "shop.example.com", "/", "redirect"]);
}

#[test]
fn only_the_listeners_that_the_route_names_serve_it() {
    let hosts = json!(["a.example.com", "b.example.com"]);
    let rows = rows_of(&gateway(), &route(json!({"name": "web", "sectionName": "http"}), hosts));
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].host, "a.example.com, b.example.com");
    assert!(rows_of(&gateway(), &route(json!({"name": "web", "namespace": "other"}), Value::Null)).is_empty());
    assert!(rows_of(&gateway(), &route(json!({"name": "web", "port": 1}), Value::Null)).is_empty());
}

fn conditions(programmed: &str) -> Value {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Because", "message": "why", "observedGeneration": 1});
    json!([condition("Accepted", "True"), condition("ResolvedRefs", "True"), condition("Programmed", programmed)])
}

#[test]
fn what_a_status_does_not_confirm_is_not_served() {
    let mut gateway = gateway();
    let mut route = route(json!({"name": "web", "sectionName": "http"}), json!(["a.example.com"]));
    let fault = |gateway: &Value, route: &Value| rows_of(gateway, route)[0].fault.clone();
    assert_eq!(
        fault(&gateway, &route).unwrap(),
        "the route has no status as it is now: the control plane has not said anything about it"
    );
    route["status"]["parents"] =
        json!([{"parentRef": {"name": "web", "sectionName": "http"}, "conditions": conditions("True")}]);
    assert!(fault(&gateway, &route).unwrap().starts_with("the Gateway"));
    gateway["status"]["listeners"] = json!([{"name": "http", "conditions": conditions("False")}]);
    let refused = "the Gateway is not served whole: listener http: Programmed is False (Because): why";
    assert_eq!(fault(&gateway, &route).unwrap(), refused);
    gateway["status"]["listeners"] = json!([{"name": "http", "conditions": conditions("True")}]);
    assert_eq!(fault(&gateway, &route), None);
    assert_eq!(rows_of(&gateway, &route)[0].curl(), "curl -H 'Host: a.example.com' http://127.0.0.1:8080/");
}

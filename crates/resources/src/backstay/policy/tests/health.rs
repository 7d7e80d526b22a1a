use serde_json::{Value, json};

use super::{section_accepted, section_refused};

#[track_caller]
fn bad(check: Value, start: &str) {
    section_refused("healthChecks", json!([check]), &format!("[0]{start}"));
}

#[track_caller]
fn good(check: Value) {
    section_accepted("healthChecks", json!([check]));
}

fn tcp(settings: Value) -> Value {
    let mut check = json!({"tcp": {}});
    check.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    check
}

#[test]
fn a_check_is_of_one_kind() {
    for check in [json!({"http": {}}), json!({"tcp": {}}), json!({"grpc": {}})] {
        good(check);
    }
    bad(json!({}), ": Required value: one of http, tcp, grpc");
    bad(json!({"http": {}, "grpc": {}}), ".grpc: Forbidden: http and grpc cannot be specified together");
    section_refused("healthChecks", json!(vec![json!({"tcp": {}}); 9]), ": Too many: 9");
}

#[test]
fn times_and_ports() {
    bad(tcp(json!({"timeout": "0s"})), ".timeout: Invalid value: \"0s\": must be greater than 0");
    for name in ["interval", "noTrafficInterval", "unhealthyInterval"] {
        bad(tcp(json!({name: "1ms"})), &format!(".{name}: Invalid value: \"1ms\": must be at least 10ms"));
    }
    bad(tcp(json!({"port": 0})), ".port: Invalid value: 0");
    bad(tcp(json!({"port": 65536})), ".port: Invalid value: 65536");
}

#[test]
fn verdicts() {
    good(tcp(json!({"thresholds": {"healthy": 1}})));
    bad(tcp(json!({"thresholds": {"unhealthy": 0}})), ".thresholds.unhealthy: Invalid value: 0");
    good(tcp(json!({"window": {}})));
    good(tcp(json!({"window": {"size": 5, "threshold": 5, "initial": 0}})));
    bad(tcp(json!({"window": {}, "thresholds": {}})), ".window: Forbidden");
    bad(
        tcp(json!({"window": {"size": 4, "threshold": 5, "initial": 4}})),
        ".window.threshold: Invalid value: \"5\": must be at most size, 4",
    );
    bad(
        tcp(json!({"window": {"size": 4, "initial": 5}})),
        ".window.initial: Invalid value: \"5\": must be at most size",
    );
    bad(tcp(json!({"window": {"threshold": 0}})), ".window.threshold: Invalid value: \"0\": must be at least 1");
    bad(tcp(json!({"window": {"size": 65}})), ".window.size: Invalid value: 65");
}

#[test]
fn http_requests() {
    let http = |settings: Value| json!({ "http": settings });
    good(http(json!({"path": "/a?b=%20", "host": "a.example:8080", "method": "HEAD"})));
    for host in ["[2001:db8::1]", "[2001:db8::1]:1", "10.0.0.1:65535", "a"] {
        good(http(json!({ "host": host })));
    }
    for host in ["", "a:", "a:0", "a:65536", "a:+1", "2001:db8::1", "[a]", "[::1", "[::1]x", "a b", "A"] {
        bad(http(json!({ "host": host })), &format!(".http.host: Invalid value: {host:?}"));
    }
    bad(http(json!({"path": "a"})), ".http.path: Invalid value: \"a\": must start with '/'");
    bad(http(json!({"path": "/a\r\nb"})), ".http.path: Invalid value");
    bad(http(json!({"method": "CONNECT"})), ".http.method: Unsupported value: \"CONNECT\"");
    good(http(json!({"expectedStatuses": [{"start": 200}, {"start": 300, "end": 399}]})));
    bad(http(json!({"expectedStatuses": [{}]})), ".http.expectedStatuses[0].start: Invalid value: 0");
    bad(
        http(json!({"expectedStatuses": [{"start": 200, "end": 600}]})),
        ".http.expectedStatuses[0].end: Invalid value",
    );
    bad(
        http(json!({"expectedStatuses": [{"start": 300, "end": 200}]})),
        ".http.expectedStatuses[0].end: Invalid value",
    );
    let header = |name: &str, value: &str| http(json!({"headers": [{"name": name, "value": value}]}));
    good(header("x-probe", ""));
    bad(header("", "a"), ".http.headers[0].name: Required value");
    bad(header("a:", "a"), ".http.headers[0].name: Invalid value");
    bad(header("Host", "a"), ".http.headers[0].name: Forbidden");
    bad(header("Content-Length", "1"), ".http.headers[0].name: Forbidden");
    bad(header("a", "b\r\nc: d"), ".http.headers[0].value: Invalid value");
}

#[test]
fn bytes() {
    let tcp = |settings: Value| json!({ "tcp": settings });
    good(tcp(json!({"send": {"text": "PING\r\n"}, "receive": [{"text": "+PONG"}, {"base64": "DQo="}]})));
    bad(tcp(json!({"send": {}})), ".tcp.send: Required value: one of text, base64");
    bad(tcp(json!({"send": {"text": "a", "base64": "YQ=="}})), ".tcp.send.base64: Forbidden");
    bad(tcp(json!({"receive": [{"text": ""}]})), ".tcp.receive[0].text: Required value");
    bad(tcp(json!({"receive": [{"base64": "?"}]})), ".tcp.receive[0].base64: Invalid value: \"?\": must be base64");
    bad(json!({"grpc": {"service": ""}}), ".grpc.service: Required value");
}

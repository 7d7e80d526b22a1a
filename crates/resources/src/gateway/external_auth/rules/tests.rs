use serde_json::{Value, json};

use crate::admit;
use crate::gateway::{GATEWAY, HTTP_ROUTE};

/// The same is found wherever the filter stands.
fn errors(auth: Value) -> Vec<String> {
    let filter = json!({"type": "ExternalAuth", "externalAuth": auth});
    let found = |result: Result<_, Vec<crate::FieldError>>| match result {
        Ok(crate::Admitted { .. }) => Vec::new(),
        Err(errors) => {
            errors.iter().map(|error| error.to_string().split("externalAuth").last().unwrap().to_owned()).collect()
        }
    };
    let route = json!({"metadata": {"name": "r"}, "spec": {"rules": [{"filters": [filter]}]}});
    let listener = json!({"name": "l", "port": 80, "protocol": "HTTP", "filters": {"requests": [filter]}});
    let gateway = json!({"metadata": {"name": "g"}, "spec": {"gatewayClassName": "c", "listeners": [listener]}});
    let of_route: Vec<String> = found(admit(&HTTP_ROUTE, route, None));
    assert_eq!(of_route, found(admit(&GATEWAY, gateway, None)));
    of_route
}

#[test]
fn settings_are_those_of_the_protocol() {
    let with = |more: Value| {
        let mut auth = json!({"backendRef": {"name": "b"}});
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    let http = json!({"path": "/a", "allowedHeaders": ["a"], "allowedResponseHeaders": ["b"]});
    assert_eq!(errors(with(json!({"protocol": "HTTP", "http": http, "forwardBody": {"maxSize": 0}}))), [""; 0]);
    assert_eq!(errors(with(json!({"protocol": "GRPC", "grpc": {"allowedHeaders": ["a"]}}))), [""; 0]);
    for (auth, wrong) in [
        (with(json!({})), ".protocol: Required value"),
        (with(json!({"protocol": "TCP"})), ".protocol: Unsupported value"),
        (with(json!({"protocol": "HTTP"})), ".http: Required value: must be specified when protocol is HTTP"),
        (with(json!({"protocol": "GRPC", "grpc": {}, "http": {}})), ".http: Forbidden"),
        (json!({"protocol": "HTTP", "http": {}}), ".backendRef.name: Required value"),
        (with(json!({"protocol": "HTTP", "http": {"allowedHeaders": ["a", "a"]}})), ".http.allowedHeaders[1]: Dup"),
        (
            with(json!({"protocol": "HTTP", "http": {"allowedHeaders": vec!["a"; 65]}})),
            ".http.allowedHeaders: Too many",
        ),
        (with(json!({"protocol": "HTTP", "http": {}, "forwardBody": {"maxSize": -1}})), ".forwardBody.maxSize: Inv"),
    ] {
        let found = errors(auth.clone());
        assert_eq!(found.len(), 1, "{auth}: {found:?}");
        assert!(found[0].starts_with(wrong), "{auth}: {found:?}");
    }
}

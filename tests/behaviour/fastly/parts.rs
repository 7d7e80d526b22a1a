//! Parts of versions: what clients send is what they read, and what cannot be meant is refused in Fastly's words.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ControlPlane, Fastly};

async fn start() -> (ControlPlane, Fastly, String) {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (_, version) = fastly.service("parts").await;
    (control_plane, fastly, version)
}

/// All that can be said of a backend, with a value that is not the default, and how it is read.
const BACKEND: &[(&str, &str, &str)] = &[
    ("name", "all of it", "\"all of it\""),
    ("address", "origin.example", "\"origin.example\""),
    ("comment", "a comment", "\"a comment\""),
    ("port", "8443", "8443"),
    ("connect_timeout", "2000", "2000"),
    ("first_byte_timeout", "3000", "3000"),
    ("between_bytes_timeout", "4000", "4000"),
    ("fetch_timeout", "5000", "5000"),
    ("max_conn", "17", "17"),
    ("max_use", "18", "18"),
    ("max_lifetime", "19", "19"),
    ("weight", "0", "0"),
    ("error_threshold", "5", "5"),
    ("auto_loadbalance", "True", "true"),
    ("use_ssl", "1", "true"),
    ("ssl_check_cert", "0", "false"),
    ("prefer_ipv6", "true", "true"),
    ("request_condition", "a condition", "\"a condition\""),
    ("healthcheck", "not there yet", "\"not there yet\""),
    ("override_host", "other.example:8080", "\"other.example:8080\""),
    ("shield", "iad-va-us", "\"iad-va-us\""),
    ("share_key", "key", "\"key\""),
    ("client_cert", "old", "\"old\""),
    ("ssl_hostname", "tls.example", "\"tls.example\""),
    ("ssl_cert_hostname", "*.example", "\"*.example\""),
    ("ssl_sni_hostname", "10.0.0.9", "\"10.0.0.9\""),
    ("ssl_ca_cert", "a\nb", "\"a\\nb\""),
    ("ssl_client_cert", "c", "\"c\""),
    ("ssl_client_key", "k", "\"k\""),
    ("ssl_ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "\"ECDHE-RSA-AES128-GCM-SHA256\""),
    ("min_tls_version", "1.2", "\"1.2\""),
    ("max_tls_version", "1.3", "\"1.3\""),
    ("keepalive_time", "20", "20"),
    ("tcp_keepalive_enable", "false", "false"),
    ("tcp_keepalive_interval", "21", "21"),
    ("tcp_keepalive_probes", "22", "22"),
    ("tcp_keepalive_time", "23", "23"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_backend_is_read_as_it_was_written_and_cleared_by_empty_text() {
    let (_control_plane, fastly, version) = start().await;
    let condition = [("name", "a condition"), ("type", "REQUEST"), ("statement", "req.url")];
    fastly.make(&format!("{version}/condition"), &condition).await;
    let sent: Vec<_> = BACKEND.iter().map(|(name, value, _)| (*name, *value)).collect();
    fastly.make(&format!("{version}/backend"), &sent).await;
    let path = format!("{version}/backend/all%20of%20it");
    let backend = fastly.read(&path).await;
    for (name, _, read) in BACKEND {
        assert_eq!(backend[name], serde_json::from_str::<Value>(read).unwrap(), "{name}");
    }
    assert_eq!(backend["hostname"], "origin.example");
    assert_eq!((&backend["ipv4"], &backend["ipv6"]), (&Value::Null, &Value::Null));
    let plain = fastly.make(&format!("{version}/backend"), &[("name", "plain"), ("address", "::1")]).await;
    let cleared: Vec<_> =
        BACKEND.iter().filter(|(name, ..)| !["name", "address"].contains(name)).map(|(name, ..)| (*name, "")).collect();
    let backend = fastly.put(&path, &cleared).await.body;
    let ours = ["name", "address", "hostname", "ipv6", "created_at", "updated_at"];
    for (name, value) in plain.as_object().unwrap().iter().filter(|(name, _)| !ours.contains(&name.as_str())) {
        assert_eq!(backend[name], *value, "{name}");
    }
    // The strict client refuses a whole answer over these where they are null.
    assert!(["fetch_timeout", "max_use", "max_lifetime"].iter().all(|name| backend.get(name).is_none()));
    assert_eq!((&plain["ipv6"], &plain["hostname"]), (&json!("::1"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_value_of_a_field_is_refused_by_the_name_of_the_field() {
    let (_control_plane, fastly, version) = start().await;
    for (name, value, reason) in [
        ("address", "https://origin.example", "Address 'https://origin.example' is not a valid IPv4, IPv6 or hostname"),
        ("port", "70000", "Port '70000' is not from 0 to 65535"),
        ("port", "http", "Port 'http' is not a whole number"),
        ("use_ssl", "perhaps", "Use ssl 'perhaps' is not a boolean"),
        ("override_host", "a b", "Override host 'a b' is not a valid Host header"),
        ("min_tls_version", "3", "Min tls version '3' is not one of 1.0, 1.1, 1.2, 1.3, 1"),
        ("ssl_client_key", "k", "Ssl client cert and ssl client key must be set together"),
        ("ipv4", "::1", "Address 'x' is not"),
    ] {
        let mut fields = vec![("name", "b"), ("address", "10.0.0.1")];
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value));
        let answer = fastly.post(&format!("{version}/backend"), &fields).await;
        if name == "ipv4" {
            // The address counts where both are there, as clients send them that copy what they read.
            assert_eq!(answer.status, StatusCode::OK);
            continue;
        }
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, reason));
        assert_eq!(answer.body["msg"], "Bad request");
    }
    let answer = fastly.post(&format!("{version}/backend"), &[("address", "10.0.0.1")]).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "Name can't be blank"));
    let alias = fastly.post(&format!("{version}/backend"), &[("name", "c"), ("ipv4", "::1")]).await;
    assert_eq!(alias.reason(), "Ipv4 '::1' is not a valid IPv4 address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_stands_for_tls_unless_the_client_says_otherwise() {
    let (_control_plane, fastly, version) = start().await;
    let path = format!("{version}/backend");
    let made = |fields: &'static [(&str, &str)]| {
        let (fastly, path) = (fastly.clone(), path.clone());
        async move { fastly.make(&path, fields).await }
    };
    let tls = made(&[("name", "a"), ("address", "a.example"), ("port", "443")]).await;
    assert_eq!(tls["use_ssl"], true);
    let plain = made(&[("name", "b"), ("address", "a.example"), ("port", "443"), ("use_ssl", "0")]).await;
    assert_eq!(plain["use_ssl"], false);
    let odd = made(&[("name", "c"), ("address", "a.example"), ("use_ssl", "1")]).await;
    assert_eq!((&odd["port"], &odd["use_ssl"]), (&json!(80), &json!(true)));
    let back = fastly.put(&format!("{path}/a"), &[("port", "80")]).await.body;
    assert_eq!(back["use_ssl"], false);
    let named = made(&[("name", "d"), ("hostname", "d.example"), ("address", "")]).await;
    assert_eq!(named["address"], "d.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_hold_any_character_and_a_second_of_one_name_is_refused() {
    let (_control_plane, fastly, version) = start().await;
    let name = "Main 5/DA: Origin%2F";
    fastly.make(&format!("{version}/backend"), &[("name", name), ("address", "10.0.0.1")]).await;
    let path = format!("{version}/backend/Main%205%2FDA%3A%20Origin%252F");
    assert_eq!(fastly.read(&path).await["name"], name);
    let twice = fastly.post(&format!("{version}/backend"), &[("name", name), ("address", "10.0.0.1")]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert_eq!(twice.body, json!({"msg": "Duplicate record", "detail": format!("Duplicate backend: '{name}'")}));
    assert_eq!(fastly.put(&path, &[("name", "short")]).await.body["name"], "short");
    let gone = fastly.get(&path).await;
    assert_eq!((gone.status, &gone.body["msg"]), (StatusCode::NOT_FOUND, &json!("Record not found")));
    assert!(gone.reason().starts_with("Couldn't find Backend '{ deleted => 0000-00-00 00:00:00, name => Main"));
    assert_eq!(fastly.delete(&format!("{version}/backend/short")).await.body, json!({"status": "ok"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_forms_or_json_whatever_their_type_says() {
    let (_control_plane, fastly, version) = start().await;
    let path = format!("{version}/condition");
    let json_type = [("content-type", "application/json")];
    let body = json!({"name": "a", "type": "request", "priority": 7, "statement": "req.url", "comment": null});
    let made = fastly.send(Method::POST, &path, &json_type, body.to_string()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let read = |name: &str| made.body[name].clone();
    assert_eq!((read("priority"), read("version"), read("type")), (json!("7"), json!("1"), json!("REQUEST")));
    let untyped = fastly.send(Method::POST, &path, &[], "name=b&type=REQUEST&statement=req.url+~+%22%5E%2Fa%22").await;
    assert_eq!((untyped.status, &untyped.body["statement"]), (StatusCode::OK, &json!("req.url ~ \"^/a\"")));
    assert_eq!(untyped.body["priority"], "100");
    let broken = fastly.send(Method::POST, &path, &json_type, "{").await;
    assert_eq!((broken.status, &broken.body["msg"]), (StatusCode::BAD_REQUEST, &json!("Bad request")));
    let odd = [("name", "c"), ("type", "REQUEST"), ("statement", "req.url.ext =~ \"css\"")];
    let odd = fastly.post(&path, &odd).await;
    assert!(odd.status == StatusCode::BAD_REQUEST && odd.reason().contains("Line 1 Pos 13"), "{}", odd.body);
    let renamed = fastly.put(&format!("{path}/a"), &[("name", "z")]).await;
    assert_eq!((renamed.status, renamed.reason().as_str()), (StatusCode::BAD_REQUEST, "Cannot change name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_not_there_or_of_the_wrong_type_is_refused_where_it_is_named() {
    let (_control_plane, fastly, version) = start().await;
    let condition = [("name", "late"), ("type", "CACHE"), ("statement", "beresp.status == 404")];
    fastly.make(&format!("{version}/condition"), &condition).await;
    let fields = [("name", "x"), ("address", "10.0.0.1"), ("request_condition", "late")];
    let answer = fastly.post(&format!("{version}/backend"), &fields).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (StatusCode::BAD_REQUEST, "Condition 'late' is not a request condition")
    );
    for (sent, reason) in [("", "No condition named ''"), ("late", "Condition 'late' is not a response condition")] {
        let fields = [("name", "x"), ("response_condition", sent)];
        assert_eq!(fastly.post(&format!("{version}/logging/syslog"), &fields).await.reason(), reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_checks_have_fastlys_defaults_and_both_forms_of_headers() {
    let (_control_plane, fastly, version) = start().await;
    let path = format!("{version}/healthcheck");
    let check = fastly.make(&path, &[("name", "hc"), ("host", "a.example")]).await;
    for (name, value) in [("check_interval", 5000), ("timeout", 500), ("threshold", 3), ("window", 5), ("initial", 2)] {
        assert_eq!(check[name], value, "{name}");
    }
    assert_eq!((&check["method"], &check["expected_response"]), (&json!("HEAD"), &json!(200)));
    assert_eq!((&check["headers"], &check["http_version"]), (&json!([]), &json!("1.1")));
    let go = fastly.put(&format!("{path}/hc"), &[("headers", "[\"Foo:Bar\",\"Baz: a, b\"]")]).await.body;
    assert_eq!(go["headers"], json!(["Foo: Bar", "Baz: a, b"]));
    let python = fastly.put(&format!("{path}/hc"), &[("headers", "Foo: Bar,Baz:Qux")]).await.body;
    assert_eq!(python["headers"], json!(["Foo: Bar", "Baz: Qux"]));
    assert_eq!(fastly.put(&format!("{path}/hc"), &[("check_interval", "10")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_director_stay_when_a_backend_changes_and_keep_it_from_going() {
    let (_control_plane, fastly, version) = start().await;
    for name in ["o1", "o2"] {
        fastly.make(&format!("{version}/backend"), &[("name", name), ("address", "10.0.0.1")]).await;
    }
    let director = format!("{version}/director/d");
    let made = fastly.make(&format!("{version}/director"), &[("name", "d"), ("type", "4"), ("backends", "o1")]).await;
    assert_eq!((&made["type"], &made["backends"], &made["quorum"]), (&json!(4), &json!([]), &json!(75)));
    for name in ["o1", "o2"] {
        let relation = fastly.make(&format!("{director}/backend/{name}"), &[]).await;
        assert_eq!((&relation["backend_name"], &relation["director_name"]), (&json!(name), &json!("d")));
    }
    assert_eq!(fastly.post(&format!("{director}/backend/o1"), &[]).await.status, StatusCode::CONFLICT);
    fastly.put(&format!("{version}/backend/o1"), &[("name", "o one"), ("weight", "9")]).await;
    assert_eq!(fastly.read(&director).await["backends"], json!(["o one", "o2"]));
    let used = fastly.delete(&format!("{version}/backend/o2")).await;
    assert_eq!(
        (used.status, used.reason().as_str()),
        (StatusCode::BAD_REQUEST, "Backend 'o2' is used by director 'd'")
    );
    assert_eq!(fastly.delete(&format!("{director}/backend/o2")).await.status, StatusCode::OK);
    assert_eq!(fastly.delete(&format!("{director}/backend/o2")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(fastly.delete(&format!("{version}/backend/o2")).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stored_is_an_empty_list_and_cannot_be_made() {
    let (_control_plane, fastly, version) = start().await;
    for list in ["wordpress", "rate-limiters", "resource", "logging/splunk"] {
        assert_eq!(fastly.read(&format!("{version}/{list}")).await, json!([]), "{list}");
    }
    for list in ["wordpress", "rate-limiters", "logging/carrier-pigeon"] {
        let answer = fastly.post(&format!("{version}/{list}"), &[("name", "x")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{list}: {}", answer.body);
    }
    let settings = fastly.get(&format!("{version}/image_optimizer_default_settings")).await;
    assert_eq!(settings.status, StatusCode::NOT_FOUND);
    let package = fastly.put(&format!("{version}/package"), &[("package", "x")]).await;
    assert_eq!(package.reason(), "No program runs here: a package is refused");
    assert_eq!(fastly.get(&format!("{version}/package")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(fastly.get("/enabled-products/v1/fanout/services/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_back_by_this_api_alone() {
    let (control_plane, fastly, version) = start().await;
    let fields =
        [("name", "b"), ("address", "10.0.0.1"), ("ssl_client_cert", "CERT"), ("ssl_client_key", "SECRET-KEY")];
    assert_eq!(fastly.make(&format!("{version}/backend"), &fields).await["ssl_client_key"], "SECRET-KEY");
    fastly.make(&format!("{version}/logging/s3"), &[("name", "l"), ("secret_key", "SECRET-KEY")]).await;
    let list = control_plane.rest().read("/apis/backstay.dev/v1alpha1/fastlyversions").await;
    assert!(list.to_string().contains("CERT") && !list.to_string().contains("SECRET-KEY"), "{list}");
    assert!(!control_plane.process.printed().contains("SECRET-KEY"));
}

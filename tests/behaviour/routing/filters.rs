//! What a rule does to a request before it is sent on.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Stage, reached};
use crate::harness::{PATIENCE, Upstream, manifest};

#[tokio::test(flavor = "multi_thread")]
async fn redirects_and_rewrites_say_what_was_asked_for() {
    let stage = Stage::new().await;
    let port = stage.address.port();
    let redirect = |path: &str, redirect: Value| {
        json!({"matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]})
    };
    let prefix = |prefix: &str| json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": prefix});
    let full = |path: &str| json!({"type": "ReplaceFullPath", "replaceFullPath": path});
    let rules = vec![
        redirect("/host", json!({"hostname": "other.test"})),
        redirect("/scheme", json!({"scheme": "https"})),
        redirect("/port", json!({"port": 8443, "statusCode": 301})),
        redirect("/both", json!({"scheme": "https", "port": 443})),
        redirect("/plain", json!({"scheme": "http", "port": 80, "hostname": "other.test"})),
        redirect("/prefix", json!({"path": prefix("/new")})),
        redirect("/root", json!({"path": prefix("/")})),
        redirect("/full", json!({"path": full("/all/of/it"), "statusCode": 308})),
        redirect("/keep", json!({"statusCode": 307, "hostname": "other.test"})),
        redirect("/see", json!({"statusCode": 303, "hostname": "other.test"})),
    ];
    stage.route("redirects", &["redirect.test"], rules).await;
    for (path, status, location) in [
        ("/host/x?y=1", 302, format!("http://other.test:{port}/host/x?y=1")),
        ("/scheme/x", 302, "https://redirect.test/scheme/x".to_owned()),
        ("/port", 301, "http://redirect.test:8443/port".to_owned()),
        ("/both", 302, "https://redirect.test/both".to_owned()),
        ("/plain", 302, "http://other.test/plain".to_owned()),
        ("/prefix/x?y", 302, format!("http://redirect.test:{port}/new/x?y")),
        ("/prefix", 302, format!("http://redirect.test:{port}/new")),
        ("/root/x", 302, format!("http://redirect.test:{port}/x")),
        ("/root", 302, format!("http://redirect.test:{port}/")),
        ("/full/x?y=1", 308, format!("http://redirect.test:{port}/all/of/it?y=1")),
        ("/keep", 307, format!("http://other.test:{port}/keep")),
        ("/see", 303, format!("http://other.test:{port}/see")),
    ] {
        let answer = stage.get("redirect.test", path).await;
        let said = answer.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((answer.status.as_u16(), said), (status, Some(location)), "{path}");
    }

    let rewrite = |path: &str, rewrite: Value| {
        let mut rule = stage.rule(json!([{"path": {"type": "PathPrefix", "value": path}}]), "a");
        rule["filters"] = json!([{"type": "URLRewrite", "urlRewrite": rewrite}]);
        rule
    };
    let rules = vec![
        rewrite("/host", json!({"hostname": "inner.test"})),
        rewrite("/prefix", json!({"path": prefix("/new")})),
        rewrite("/strip", json!({"path": prefix("/")})),
        rewrite("/full", json!({"path": full("/one"), "hostname": "inner.test"})),
        stage.rule(json!([{"path": {"type": "PathPrefix", "value": "/as-is"}}]), "a"),
    ];
    stage.route("rewrites", &["rewrite.test"], rules).await;
    for (path, asked, host) in [
        ("/host/x?y=1", "/host/x?y=1", "inner.test"),
        ("/prefix/x?y", "/new/x?y", "rewrite.test"),
        ("/prefix", "/new", "rewrite.test"),
        ("/prefix/", "/new/", "rewrite.test"),
        ("/strip/x", "/x", "rewrite.test"),
        ("/strip", "/", "rewrite.test"),
        ("/strip?y", "/?y", "rewrite.test"),
        ("/full/x?y=1", "/one?y=1", "inner.test"),
        ("/as-is/%2F/a%20b//c/../d?x=%20", "/as-is/%2F/a%20b//c/../d?x=%20", "rewrite.test"),
    ] {
        let told = stage.get("rewrite.test", path).await.json();
        assert_eq!((&told["path"], &told["headers"]["host"]), (&json!(asked), &json!(host)), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_set_added_and_removed_for_rules_and_for_single_backends() {
    let stage = Stage::new().await;
    let modify = json!({"set": [{"name": "X-Set", "value": "rule"}], "add": [{"name": "X-Add", "value": "rule"}],
        "remove": ["x-remove"]});
    let answer = json!({"set": [{"name": "X-Answer", "value": "rule"}], "add": [{"name": "X-Upstream", "value": "too"}],
        "remove": ["X-Drop"]});
    let mut rule = stage.rule(json!([{"path": {"type": "PathPrefix", "value": "/"}}]), "a");
    rule["filters"] = json!([
        {"type": "RequestHeaderModifier", "requestHeaderModifier": modify},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": answer},
    ]);
    stage.route("rule", &["rule.test"], vec![rule]).await;
    let sent = [("x-set", "client"), ("x-add", "client"), ("x-remove", "client"), ("x-keep", "client")];
    let answer = stage.send("GET", "rule.test", "/", &sent).await;
    let told = answer.json();
    assert_eq!(told["headers"]["x-set"], "rule");
    assert_eq!(told["headers"]["x-keep"], "client");
    assert_eq!(told["headers"].get("x-remove"), None);
    let seen = stage.upstreams[0].seen();
    let added: Vec<_> = seen.last().unwrap().headers.get_all("x-add").iter().collect();
    assert!(added == ["client", "rule"] || added == ["client,rule"] || added == ["client, rule"], "{added:?}");
    assert_eq!(answer.headers["x-answer"], "rule");
    assert_eq!(answer.headers.get("x-drop"), None);
    assert_eq!(answer.headers.get_all("x-upstream").iter().collect::<Vec<_>>(), ["a", "too"]);

    let mut refs = [stage.to("a"), stage.to("b")];
    for (backend, name) in refs.iter_mut().zip(["for-a", "for-b"]) {
        backend["filters"] = json!([
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-for", "value": name}]}},
            {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x-from", "value": name}]}},
        ]);
    }
    stage.route("single", &["single.test"], vec![json!({"backendRefs": refs})]).await;
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let answer = stage.get("single.test", "/").await;
        let told = answer.json();
        let name = told["upstream"].as_str().unwrap().to_owned();
        assert_eq!(told["headers"]["x-for"], format!("for-{name}"));
        assert_eq!(answer.headers["x-from"], format!("for-{name}"));
        reached.insert(name);
    }
    assert_eq!(reached.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_get_a_copy_whose_answer_nobody_waits_for() {
    let stage = Stage::new().await;
    let (sender, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let silent = Upstream::start(any, move |seen| {
        sender.send(seen).unwrap();
        std::future::pending::<Response<Bytes>>()
    })
    .await;
    stage.rest.create(&manifest::backend("silent", &["127.0.0.1"])).await;
    let mut rule = stage.rule(json!([{"path": {"type": "PathPrefix", "value": "/"}}]), "a");
    let target = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "silent", "port": silent.port()});
    rule["filters"] = json!([{"type": "RequestMirror", "requestMirror": {"backendRef": target}}]);
    stage.route("mirror", &["mirror.test"], vec![rule]).await;
    let headers = [("host", "mirror.test"), ("x-copy", "this")];
    let answer =
        stage.client.request(Method::POST, stage.address, "/both?x=1", &headers, "the same for both").await.unwrap();
    assert_eq!(reached(&answer), "a");
    let copy = tokio::time::timeout(PATIENCE, arrived.recv()).await.expect("the copy arrives").unwrap();
    assert_eq!((copy.method, copy.uri.to_string()), (Method::POST, "/both?x=1".to_owned()));
    assert_eq!((copy.headers["x-copy"].to_str().unwrap(), &*copy.body), ("this", &b"the same for both"[..]));
}

//! Pages of other origins read what a rule lets them read, as the conformance test `HTTPRouteCORS` of the Gateway API has it.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::traffic::Answer;

/// What an answer says to browsers.
fn told(answer: &Answer) -> Vec<(String, String)> {
    let of_browsers = answer.headers.iter().filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let short = |name: &str| name.trim_start_matches("access-control-").to_owned();
    let mut told: Vec<_> =
        of_browsers.map(|(name, value)| (short(name.as_str()), value.to_str().unwrap().to_owned())).collect();
    told.sort();
    told
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn preflights_and_requests_are_told_who_may_read() {
    let stage = Stage::new().await;
    let rule = |path: &str, cors: Value| {
        let mut rule = stage.rule(json!([{"path": {"type": "PathPrefix", "value": path}}]), "a");
        rule["filters"] = json!([{"type": "CORS", "cors": cors}]);
        rule
    };
    let mut by_method = rule("/by-method", json!({"allowOrigins": ["*"], "allowMethods": ["PUT"]}));
    by_method["matches"][0]["method"] = json!("PUT");
    let rules = vec![
        rule(
            "/some",
            json!({"allowOrigins": ["https://www.foo.com", "https://*.bar.com"], "allowMethods": ["GET", "OPTIONS"],
                "allowHeaders": ["x-header-1", "x-header-2"], "exposeHeaders": ["x-header-3", "x-header-4"],
                "allowCredentials": true, "maxAge": 3600}),
        ),
        rule("/any-method", json!({"allowOrigins": ["https://www.foo.com"], "allowMethods": ["*"]})),
        rule(
            "/anything",
            json!({"allowOrigins": ["*"], "allowMethods": ["*"], "allowHeaders": ["*"], "allowCredentials": true}),
        ),
        by_method,
    ];
    stage.route("cors", &["cors.test"], rules).await;
    let ask = async |method: &str, path: &str, origin: &str, wanted: &str| {
        let mut headers = vec![("origin", origin)];
        if method == "OPTIONS" {
            headers
                .extend([("access-control-request-method", wanted), ("access-control-request-headers", "x-header-1")]);
        }
        stage.send(method, "cors.test", path, &headers).await
    };
    for origin in ["https://www.foo.com", "https://www.bar.com", "https://xpto.www.bar.com"] {
        let preflight = ask("OPTIONS", "/some", origin, "GET").await;
        let expected = [
            ("allow-credentials", "true"),
            ("allow-headers", "x-header-1, x-header-2"),
            ("allow-methods", "GET, OPTIONS"),
            ("allow-origin", origin),
            ("expose-headers", "x-header-3, x-header-4"),
            ("max-age", "3600"),
        ];
        assert_eq!((preflight.status.as_u16(), told(&preflight)), (200, pairs(&expected)));
        let simple = ask("GET", "/some", origin, "").await;
        let expected =
            [("allow-credentials", "true"), ("allow-origin", origin), ("expose-headers", "x-header-3, x-header-4")];
        assert_eq!((simple.status.as_u16(), told(&simple)), (200, pairs(&expected)));
    }
    for method in ["OPTIONS", "GET"] {
        let answer = ask(method, "/some", "https://foobar.com", "GET").await;
        assert_eq!((answer.status.as_u16(), told(&answer)), (200, vec![]), "{method}");
    }
    let answer = ask("OPTIONS", "/any-method", "https://www.foo.com", "POST").await;
    let expected = [("allow-methods", "POST"), ("allow-origin", "https://www.foo.com"), ("max-age", "5")];
    assert_eq!(told(&answer), pairs(&expected));
    let answer = ask("OPTIONS", "/anything", "https://other.foo.com", "PUT").await;
    let expected = [
        ("allow-credentials", "true"),
        ("allow-headers", "x-header-1"),
        ("allow-methods", "PUT"),
        ("allow-origin", "https://other.foo.com"),
        ("max-age", "5"),
    ];
    assert_eq!(told(&answer), pairs(&expected));
    // A rule for one method has the preflights that ask for it.
    let answer = ask("OPTIONS", "/by-method", "https://a.test:8443", "PUT").await;
    let expected = [("allow-methods", "PUT"), ("allow-origin", "*"), ("max-age", "5")];
    assert_eq!((answer.status.as_u16(), told(&answer)), (200, pairs(&expected)));
    assert_eq!(ask("OPTIONS", "/by-method", "https://a.test", "GET").await.status.as_u16(), 404);
}

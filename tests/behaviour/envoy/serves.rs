//! What Envoys serve is what the proxy of this project serves.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::Envoy;
use super::process::{bootstrap, validate};
use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES, SECRETS};
use crate::harness::tls::{Authority, Session};
use crate::harness::{Client, ControlPlane, Proxy, Upstream, backstay, manifest, port, tools, traffic};
use crate::quickstart::USUAL_PORTS;

const HOST: &str = "app.example.com";

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[test]
fn the_printed_bootstrap_is_valid() {
    let Some(binary) = tools::envoy() else { return };
    let scratch = tempfile::tempdir().unwrap();
    for options in [&[][..], &["--fleet", "edge", "--xds", "[::1]:18000", "--node", "a b"], &["--sotw"]] {
        let file = scratch.path().join("envoy.yaml");
        std::fs::write(&file, bootstrap(options)).unwrap();
        let said = validate(&binary, &file);
        assert!(said.status.success(), "{options:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
}

/// Routes of all that Envoy can express, to two backends at `one` and `two`.
fn rules(one: u16, two: u16) -> Value {
    let to = |name: &str, port: u16| json!({"group": "core.apoxy.dev", "kind": "Backend", "name": name, "port": port});
    let path = |kind: &str, value: &str| json!([{"path": {"type": kind, "value": value}}]);
    json!([
        {"matches": path("PathPrefix", "/"), "backendRefs": [to("one", one)]},
        {"matches": path("PathPrefix", "/two"), "backendRefs": [to("two", two)]},
        {"matches": path("Exact", "/two/exact"), "backendRefs": [to("one", one)]},
        {"matches": path("RegularExpression", "/re/[0-9]+"), "backendRefs": [to("two", two)]},
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"name": "x-two", "value": "yes"}]}],
         "backendRefs": [to("two", two)]},
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "queryParams": [{"name": "two", "value": "yes"}]}],
         "backendRefs": [to("two", two)]},
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "method": "DELETE"}], "backendRefs": [to("two", two)]},
        {"matches": path("PathPrefix", "/strip"),
         "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}],
         "backendRefs": [to("one", one)]},
        {"matches": path("PathPrefix", "/prefix"),
         "filters": [{"type": "URLRewrite", "urlRewrite": {
             "hostname": "other.example.com",
             "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}}}],
         "backendRefs": [to("one", one)]},
        {"matches": path("PathPrefix", "/full"),
         "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/whole"}}}],
         "backendRefs": [to("one", one)]},
        {"matches": path("PathPrefix", "/headers"),
         "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {
                "set": [{"name": "x-set", "value": "100%"}], "add": [{"name": "x-add", "value": "more"}], "remove": ["x-gone"]}},
            {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x-answer", "value": "50%"}]}}],
         "backendRefs": [to("one", one)]},
        {"matches": path("PathPrefix", "/elsewhere"),
         "filters": [{"type": "RequestRedirect", "requestRedirect": {
             "scheme": "https", "hostname": "new.example.com", "statusCode": 301,
             "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/moved"}}}]},
        {"matches": path("PathPrefix", "/missing"), "backendRefs": [to("nobody", 1)]},
        {"matches": path("PathPrefix", "/split"), "backendRefs": [to("one", one), to("two", two)]},
    ])
}

/// Method, host, path with query, and a header: what is asked of both.
#[allow(clippy::type_complexity, reason = "a row of a table")]
const ASKED: [(&str, &str, &str, Option<(&str, &str)>); 22] = [
    ("GET", HOST, "/", None),
    ("GET", "app.example.com:8080", "/", None),
    ("GET", "other.example.com", "/", None),
    ("GET", HOST, "/two", None),
    ("GET", HOST, "/two/", None),
    ("GET", HOST, "/two/deep?a=b", None),
    ("GET", HOST, "/twofold", None),
    ("GET", HOST, "/two/exact", None),
    ("GET", HOST, "/re/12", None),
    ("GET", HOST, "/re/12x", None),
    ("GET", HOST, "/any", Some(("x-two", "yes"))),
    ("GET", HOST, "/any", Some(("x-two", "no"))),
    ("GET", HOST, "/any?two=yes", None),
    ("DELETE", HOST, "/any", None),
    ("GET", HOST, "/strip", None),
    ("GET", HOST, "/strip/rest?q", None),
    ("GET", HOST, "/prefix/rest", None),
    ("GET", HOST, "/full/rest?q=1", None),
    ("GET", HOST, "/headers", Some(("x-gone", "here"))),
    ("GET", HOST, "/elsewhere/rest?q", None),
    ("GET", HOST, "/missing", None),
    ("GET", "sub.wild.example.com", "/", None),
];

/// What a client sees of an answer, and the upstream of the request.
async fn seen(client: &Client, address: SocketAddr, asked: (&str, &str, &str, Option<(&str, &str)>)) -> String {
    let (method, host, path, header) = asked;
    let mut request = http::Request::builder().method(method).uri(format!("http://{address}{path}"));
    request = request.header(http::header::HOST, host);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = client.send(request.body(http_body_util::Full::default()).unwrap()).await.unwrap();
    let of = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    format!("{} {:?} location={} x-answer={}", answer.status, answer.text(), of("location"), of("x-answer"))
}

/// An upstream that answers with its name and what it was asked.
async fn upstream(name: &'static str) -> Upstream {
    Upstream::start(local(0), move |asked| async move {
        let header = |name: &str| {
            let all = asked.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
            all.collect::<Vec<_>>().join("|")
        };
        let names = ["host", "x-set", "x-add", "x-gone", "x-forwarded-proto", "x-forwarded-host"];
        let told: Vec<_> = names.iter().map(|name| format!("{name}={}", header(name))).collect();
        Response::new(Bytes::from(format!("{name} {} {} {}", asked.method, asked.uri, told.join(" "))))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_answers_as_our_proxy_does() {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &["--fleet", "envoys"]) else { return };
    let _proxy = Proxy::start(control_plane.xds());
    let (one, two) = (upstream("one").await, upstream("two").await);
    let rest = control_plane.rest();
    rest.create(
        &json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "envoys"}, "spec": {}}),
    )
    .await;
    rest.create(&manifest::backend("one", &["127.0.0.1"])).await;
    rest.create(&manifest::backend("two", &["127.0.0.1"])).await;
    let (ours, theirs) = (port::free(), port::free());
    rest.create(&manifest::gateway("ours", ours)).await;
    let mut gateway = manifest::gateway("theirs", theirs);
    gateway["spec"]["infrastructure"] =
        json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": "envoys"}});
    rest.create(&gateway).await;
    let mut route = manifest::route("app", "ours", HOST, "one", one.port());
    route["spec"]["parentRefs"] = json!([{"name": "ours"}, {"name": "theirs"}]);
    route["spec"]["rules"] = rules(one.port(), two.port());
    rest.create(&route).await;
    let mut wild = manifest::route("wild", "ours", "*.wild.example.com", "two", two.port());
    wild["spec"]["parentRefs"] = json!([{"name": "ours"}, {"name": "theirs"}]);
    rest.create(&wild).await;
    rest.wait_for(&format!("{GATEWAYS}/ours"), "Programmed").await;
    rest.wait_for(&format!("{GATEWAYS}/theirs"), "Programmed").await;
    rest.wait_for(&format!("{ROUTES}/app"), "Programmed").await;
    rest.wait_for(&format!("{ROUTES}/wild"), "Programmed").await;
    envoy.ready().await;

    let client = Client::new();
    for asked in ASKED {
        let expected = seen(&client, local(ours), asked).await;
        assert_eq!(seen(&client, local(theirs), asked).await, expected, "{asked:?}");
    }
    let mut shares = std::collections::BTreeSet::new();
    for _ in 0..100 {
        shares.insert(client.get(local(theirs), HOST, "/split").await.unwrap().text()[..3].to_owned());
    }
    assert_eq!(shares.len(), 2, "each of two takes a half of a hundred requests: {shares:?}");
    envoy.assert_content().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_serves_https_by_server_name_and_takes_a_renewed_certificate() {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let rest = control_plane.rest();
    let one = Upstream::answering("one").await;
    let authority = Authority::new();
    let listen = port::free();
    let first = authority.issue(&["a.example.com"]);
    rest.create(&first.secret("a")).await;
    rest.create(&authority.issue(&["b.example.com"]).secret("b")).await;
    let listener = |name: &str| {
        json!({"name": name, "protocol": "HTTPS", "port": listen, "hostname": format!("{name}.example.com"),
               "tls": {"certificateRefs": [{"name": name}]}})
    };
    let mut gateway = manifest::gateway("web", listen);
    gateway["spec"]["listeners"] = json!([listener("a"), listener("b")]);
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    rest.create(&gateway).await;
    let mut route = manifest::route("app", "web", "a.example.com", "app", one.port());
    route["spec"]["hostnames"] = json!(["a.example.com", "b.example.com"]);
    rest.create(&route).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    envoy.ready().await;
    for name in ["a.example.com", "b.example.com"] {
        for alpn in ["h2", "http/1.1"] {
            let mut session = Session::open(local(listen), name, &[alpn]).await.unwrap();
            assert_eq!(session.get("/").await.unwrap(), (http::StatusCode::OK, "one".to_owned()), "{name} {alpn}");
        }
    }
    let mut session = Session::open(local(listen), "a.example.com", &["http/1.1"]).await.unwrap();
    assert_eq!(session.certificate, first.der());

    let second = authority.issue(&["a.example.com"]);
    rest.change(&format!("{SECRETS}/a"), &json!({"stringData": second.secret("a")["stringData"]})).await;
    rest.wait_for(&format!("{SECRETS}/a"), "Programmed").await;
    traffic::until("the new certificate is shown", || async {
        let shown = Session::open(local(listen), "a.example.com", &["h2"]).await;
        shown.is_ok_and(|session| session.certificate == second.der())
    })
    .await;
    // The connection of before is none the worse, nor is the listener another.
    assert_eq!(session.get("/").await.unwrap().1, "one");
    assert_eq!(envoy.stats().await["listener_manager.listener_modified"], 0);
    envoy.assert_content().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dynamic_backend_goes_where_requests_say_and_not_where_it_must_not() {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let rest = control_plane.rest();
    let one = upstream("one").await;
    let listen = port::free();
    let backend = |allowed: Value| {
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "any"},
               "spec": {"endpoints": allowed, "dynamicProxy": {"dnsCacheConfig": {"dnsLookupFamily": "v4_only"}}}})
    };
    rest.create(&backend(json!([{"fqdn": "localhost"}, {"fqdn": "*.localhost"}]))).await;
    rest.create(&json!({
        "apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "any"},
        "spec": {"targetRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": "any"}],
                 "dynamicProxy": {"addresses": {"allow": ["127.0.0.1/32"]}}},
    }))
    .await;
    rest.create(&manifest::gateway("web", listen)).await;
    let mut route = manifest::route("app", "web", HOST, "any", 1);
    route["spec"]["hostnames"] = json!([]);
    route["spec"]["rules"][0]["backendRefs"] = json!([{"group": "core.apoxy.dev", "kind": "Backend", "name": "any"}]);
    rest.create(&route).await;
    rest.wait_for(&format!("{BACKENDS}/any"), "Programmed").await;
    envoy.ready().await;

    let client = Client::new();
    let host = format!("localhost:{}", one.port());
    let get = |host: String| {
        let client = client.clone();
        async move { client.get(local(listen), &host, "/").await.unwrap() }
    };
    assert!(get(host.clone()).await.text().starts_with("one GET /"));
    // What is not among its names, and an address that no name may lead to.
    let refused = get(format!("127.0.0.1:{}", one.port())).await;
    assert_eq!((refused.status.as_u16(), refused.text().as_str()), (403, "host not allowed"));

    // All six settings at once: Envoy would refuse them under the name that the cache had.
    rest.change(
        &format!("{BACKENDS}/any"),
        &json!({"spec": {"dynamicProxy": {"dnsCacheConfig": {
            "dnsLookupFamily": "v4_preferred", "dnsMinRefreshRate": "2s", "dnsQueryTimeout": "3s",
            "dnsRefreshRate": "30s", "hostTTL": "1m", "maxHosts": 7,
        }}}}),
    )
    .await;
    rest.wait_for(&format!("{BACKENDS}/any"), "Programmed").await;
    assert!(get(host).await.text().starts_with("one GET /"));
    let cache = cache_of(&envoy.config().await, "v4_preferred".to_ascii_uppercase().as_str());
    let said =
        [&cache["dns_min_refresh_rate"], &cache["dns_query_timeout"], &cache["dns_refresh_rate"], &cache["host_ttl"]];
    assert_eq!(said, ["2s", "3s", "30s", "60s"], "{cache:#}");
    assert_eq!(cache["max_hosts"], 7);
    envoy.assert_content().await;
}

/// The DNS cache with this family among the clusters that an Envoy holds.
fn cache_of(dump: &Value, family: &str) -> Value {
    fn find(value: &Value, family: &str) -> Option<Value> {
        if let Some(cache) = value.get("dns_cache_config").filter(|cache| cache["dns_lookup_family"] == family) {
            return Some(cache.clone());
        }
        match value {
            Value::Object(fields) => fields.values().find_map(|value| find(value, family)),
            Value::Array(values) => values.iter().find_map(|value| find(value, family)),
            _ => None,
        }
    }
    find(dump, family).unwrap_or_else(|| panic!("no cache with {family} in {dump:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_are_served_without_a_refusal() {
    let _ports = USUAL_PORTS.lock().await;
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let server = control_plane.server();
    let rest = control_plane.rest();
    rest.create(&Authority::new().issue(&["client"]).secret("orders-client")).await;
    for name in
        ["quickstart.yaml", "canary.yaml", "rewrite-and-redirect.yaml", "dynamic-proxy.yaml", "backend-policy.yaml"]
    {
        let file = examples.join(name);
        let applied =
            backstay(["apply".as_ref(), "--server".as_ref(), server.as_ref(), "-f".as_ref(), file.as_os_str()]);
        assert!(applied.status.success(), "{name}: {}", String::from_utf8_lossy(&applied.stderr));
    }
    // Nothing of the examples goes to these.
    for (name, port) in [("orders", 443), ("sessions", 80)] {
        rest.create(&manifest::route(name, "web", &format!("{name}.example.com"), name, port)).await;
    }
    rest.wait_for(&format!("{ROUTES}/orders"), "Programmed").await;
    envoy.ready().await;
    let dump = envoy.config().await.to_string();
    for name in ["backend/hello:9000", "backend/shop-v2:8080", "backend/anywhere@", "backend/orders:443"] {
        assert!(dump.contains(name), "{name}");
    }
    let route =
        rest.wait_until(&format!("{ROUTES}/sessions"), "refused", |route| condition(route, "False").is_some()).await;
    let said = condition(&route, "False").unwrap();
    assert!(said.contains("SRV records"), "{said}");
    envoy.assert_content().await;
}

/// The message of `Programmed` where it has this status.
fn condition(object: &Value, status: &str) -> Option<String> {
    fn find(value: &Value, status: &str) -> Option<String> {
        match value {
            Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "Programmed") => {
                (fields["status"] == status).then(|| fields["message"].as_str().unwrap().to_owned())
            }
            Value::Object(fields) => fields.values().find_map(|value| find(value, status)),
            Value::Array(values) => values.iter().find_map(|value| find(value, status)),
            _ => None,
        }
    }
    find(&object["status"], status)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_envoy_cannot_express_is_not_served_and_said_so() {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let rest = control_plane.rest();
    let one = Upstream::answering("one").await;
    let listen = port::free();
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    rest.create(&manifest::gateway("web", listen)).await;
    let mut route = manifest::route("app", "web", HOST, "app", one.port());
    let to = route["spec"]["rules"][0]["backendRefs"].clone();
    let path = |kind: &str, value: &str| json!([{"path": {"type": kind, "value": value}}]);
    route["spec"]["rules"] = json!([
        {"matches": path("PathPrefix", "/"), "backendRefs": to},
        {"matches": path("RegularExpression", "/[a-z&&[^b]]+"), "backendRefs": to},
        {"matches": path("Exact", "/exact"), "backendRefs": to},
    ]);
    rest.create(&route).await;
    let path_of = format!("{ROUTES}/app");
    let refused =
        |route: &Value| condition(route, "False").is_some_and(|said| said.contains("rules[1].matches[0].path"));
    rest.wait_until(&path_of, "refused", refused).await;
    envoy.ready().await;
    let client = Client::new();
    let get = |path: &'static str| {
        let client = client.clone();
        async move { client.get(local(listen), HOST, path).await.unwrap() }
    };
    // A rule that matches too much lets nobody in, and nobody on to the rules after it; those before it are served.
    assert_eq!(get("/aa").await.status.as_u16(), 501);
    assert_eq!(get("/exact").await.text(), "one");

    rest.change(&path_of, &json!({"spec": {"rules": [{"matches": path("PathPrefix", "/"), "backendRefs": to}]}})).await;
    rest.wait_for(&path_of, "Programmed").await;
    assert_eq!(get("/aa").await.text(), "one");
    envoy.assert_content().await;
}

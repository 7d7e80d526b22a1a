use std::sync::{Arc, Mutex};

use backstay_guard::{LogSwitch, PageGuard};
use backstay_proto::config::{Resource, Secret, resource, secret};
use backstay_xds::client::Update;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use prost::Message;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::{Admin, answer};
use crate::control::{Model, Status, look};
use crate::dns::Dns;
use crate::limits::Limits;
use crate::server::{self, Workers};

fn admin() -> (Admin, watch::Sender<Status>) {
    let dns = Arc::new(Dns::new(&["127.0.0.1:1".parse().unwrap()], Handle::current()).unwrap());
    let limiters = Arc::new(backstay_limiter::Registry::new(1024, Arc::default()));
    let model = Model::new(Arc::clone(&dns), Handle::current(), "::".parse().unwrap(), 64, limiters);
    let sender = watch::Sender::new(Status::default());
    let admin = Admin {
        node: "node-1".into(),
        fleet: "edge".into(),
        model: Arc::new(Mutex::new(model)),
        status: sender.clone(),
        leaver: Workers::start(server::Options::default()).unwrap().leaver(),
        server: Arc::default(),
        control: Arc::default(),
        limits: Limits::default(),
        dns,
        drain: Arc::new(Notify::new()),
        descriptors: Arc::default(),
        guard: PageGuard::default(),
        live: Arc::default(),
        log_switch: Some(LogSwitch::new(|_, _| Ok(()))),
        monitoring_only: false,
    };
    (admin, sender)
}

async fn ask(
    admin: &Admin,
    method: Method,
    path: &str,
    headers: &[(&'static str, &'static str)],
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = answer::answer(admin, &request.body(String::new()).unwrap());
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(admin: &Admin, path: &str) -> (StatusCode, String) {
    ask(admin, Method::GET, path, &[("host", "127.0.0.1:9901")]).await
}

#[tokio::test]
async fn readiness_says_why() {
    let (admin, status) = admin();
    assert_eq!(get(&admin, "/ready").await, (StatusCode::SERVICE_UNAVAILABLE, "no configuration yet\n".into()));
    status.send_modify(|status| status.last_disconnect = Some("cannot connect".into()));
    assert_eq!(get(&admin, "/ready").await.1, "no configuration yet: cannot connect\n");
    status.send_modify(|status| status.configured = true);
    assert_eq!(get(&admin, "/ready").await, (StatusCode::OK, "ready\n".into()));
    status.send_modify(|status| status.draining = true);
    assert_eq!(get(&admin, "/ready").await, (StatusCode::SERVICE_UNAVAILABLE, "draining\n".into()));
}

#[tokio::test]
async fn draining_takes_a_post() {
    let (admin, _status) = admin();
    assert_eq!(get(&admin, "/drain").await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&admin, Method::POST, "/drain", &[("host", "localhost:9901")]).await.0, StatusCode::ACCEPTED);
    admin.drain.notified().await;
    assert_eq!(get(&admin, "/nothing").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn readiness_can_be_withdrawn_and_given_back() {
    let (admin, status) = admin();
    let local = &[("host", "localhost")][..];
    for (withdraw, give_back) in [("/unready", "/ready"), ("/healthcheck/fail", "/healthcheck/ok")] {
        status.send_modify(|status| status.configured = true);
        assert_eq!(get(&admin, withdraw).await.0, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(ask(&admin, Method::POST, withdraw, local).await.0, StatusCode::OK);
        let (code, why) = get(&admin, "/ready").await;
        assert!(code == StatusCode::SERVICE_UNAVAILABLE && why.contains("POST /ready"), "{code} {why}");
        assert!(get(&admin, "/metrics").await.1.contains("\nbackstay_ready 0\n"));
        assert_eq!(ask(&admin, Method::POST, give_back, local).await, (StatusCode::OK, "ready\n".into()));
        assert_eq!(get(&admin, "/ready").await.0, StatusCode::OK);
        assert!(get(&admin, "/metrics").await.1.contains("\nbackstay_ready 1\n"));
    }
    // A drain is not taken back.
    status.send_modify(|status| status.draining = true);
    assert_eq!(ask(&admin, Method::POST, "/ready", local).await.1, "taken back; still draining\n");
    assert_eq!(get(&admin, "/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn web_pages_are_kept_out() {
    let (mut admin, _status) = admin();
    for headers in [
        &[("host", "rebound.example:9901")][..],
        &[("host", "127.0.0.1:9901"), ("origin", "https://evil.example")],
        &[("host", "localhost:9901"), ("origin", "null")],
        &[("host", "localhost:9901"), ("sec-fetch-site", "cross-site")],
    ] {
        for (method, path) in [(Method::GET, "/config_dump"), (Method::POST, "/drain"), (Method::GET, "/nowhere")] {
            let (status, said) = ask(&admin, method, path, headers).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{headers:?}");
            assert!(said.ends_with('\n') && said.contains("refused"), "{said}");
        }
    }
    for host in ["localhost", "127.0.0.1", "[::1]:9901"] {
        assert_eq!(ask(&admin, Method::GET, "/backends", &[("host", host)]).await.0, StatusCode::OK, "{host}");
    }
    assert_eq!(ask(&admin, Method::GET, "/metrics", &[]).await.0, StatusCode::BAD_REQUEST);
    admin.guard = PageGuard::new(["rebound.example".parse().unwrap()]);
    assert_eq!(ask(&admin, Method::GET, "/backends", &[("host", "rebound.example:1")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_dump_shows_no_secret() {
    let (admin, _status) = admin();
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let (chain, private_key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let certificate = secret::Certificate { chain: chain.into(), private_key: private_key.clone().into() };
    let resource =
        Resource { kind: Some(resource::Kind::Secret(Secret { kind: Some(secret::Kind::Certificate(certificate)) })) };
    let update = |name: &str, value: Vec<u8>| Update { name: name.into(), version: "v1".into(), value: value.into() };
    look(&admin.model)
        .apply(vec![update("secret/n/s", resource.encode_to_vec()), update("backend/bad", b"\xff".to_vec())], vec![]);
    let (status, dump) = get(&admin, "/config_dump").await;
    assert_eq!(status, StatusCode::OK);
    let secret: String = private_key.lines().skip(1).take(1).collect();
    assert!(!dump.contains(&secret) && dump.contains("redacted"), "{dump}");
    let dump: serde_json::Value = serde_json::from_str(&dump).unwrap();
    assert_eq!((&dump["node"], &dump["fleet"]), (&"node-1".into(), &"edge".into()));
    assert_eq!((&dump["resources"][0]["name"], &dump["resources"][0]["version"]), (&"secret/n/s".into(), &"v1".into()));
    assert_eq!(dump["rejected"][0]["name"], "backend/bad");
    let debugged = format!("{:?}", look(&admin.model));
    assert!(!debugged.contains(&secret));
}

#[tokio::test]
async fn the_log_is_turned_for_a_while() {
    let (admin, _status) = admin();
    let host = [("host", "localhost")];
    let turned = ask(&admin, Method::POST, "/logging?level=debug&for=5m", &host).await;
    assert_eq!(turned, (StatusCode::OK, "logging debug for 300 s\n".to_owned()));
    assert_eq!(ask(&admin, Method::POST, "/logging?for=5m", &host).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&admin, Method::GET, "/logging?level=debug", &host).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn other_machines_are_told_of_readiness_and_metrics_alone() {
    let (admin, _status) = admin();
    let admin = Admin { monitoring_only: true, guard: PageGuard::any_name(), ..admin };
    for (path, expected) in
        [("/ready", StatusCode::SERVICE_UNAVAILABLE), ("/livez", StatusCode::OK), ("/metrics", StatusCode::OK)]
    {
        assert_eq!(ask(&admin, Method::GET, path, &[("host", "proxies.example")]).await.0, expected, "{path}");
    }
    for (method, path) in [
        (Method::GET, "/config_dump"),
        (Method::GET, "/backends"),
        (Method::GET, "/certs"),
        (Method::GET, "/dns"),
        (Method::POST, "/drain"),
        (Method::POST, "/logging?level=trace"),
        (Method::GET, "/"),
    ] {
        let (status, _) = ask(&admin, method, path, &[("host", "10.0.0.1:9902")]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = [("host", "10.0.0.1:9902"), ("origin", "https://evil.example")];
    assert_eq!(ask(&admin, Method::GET, "/metrics", &page).await.0, StatusCode::FORBIDDEN);
    // Who looks at requests, or takes readiness back, does so on the machine.
    let request = |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).header("host", "10.0.0.1:9902");
        answer::any(&admin, &request.body(String::new()).unwrap()).status()
    };
    for path in ["/tap", "/top", "/"] {
        assert_eq!(request(Method::GET, path), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(request(Method::POST, "/ready"), StatusCode::NOT_FOUND);
}

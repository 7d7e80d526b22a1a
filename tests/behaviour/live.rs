//! What proxies serve at this moment, as `top` and `tap` tell it: of one proxy, and through the control plane.

use std::net::SocketAddr;
use std::process::Output;

use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::harness::{Client, ControlPlane, Load, PATIENCE, Proxy, Upstream, backstay, manifest, port, traffic};

const HOST: &str = "app.example.com";

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Runs the command beside the test.
async fn run(arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let running = tokio::task::spawn_blocking(move || backstay(arguments));
    tokio::time::timeout(PATIENCE, running).await.expect("the command ends").unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// A control plane and a proxy that serve one backend, at the port that is returned last.
async fn serving(more: &[&str]) -> (ControlPlane, Proxy, Upstream, u16) {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start_with(control_plane.xds(), more);
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;
    (control_plane, proxy, upstream, listen)
}

/// Waits until the control plane can look at so many proxies.
async fn attended(control_plane: &ControlPlane, proxies: usize) {
    let wanted = format!("backstay_live_proxies {proxies}");
    traffic::until("proxies that attend", || async {
        let metrics = Client::new().get(control_plane.api(), "localhost", "/metrics").await.unwrap().text();
        metrics.lines().any(|line| line == wanted)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_fleet_are_told_through_the_control_plane_without_credentials() {
    let (control_plane, _proxy, _upstream, listen) = serving(&["--node-id", "edge-1"]).await;
    attended(&control_plane, 1).await;
    let load = Load::start(2, local(listen), HOST, "/cart?token=secret&page=2");
    let server = control_plane.server();
    let shown = run(&[
        "tap",
        "--server",
        &server,
        "--fleet",
        "default",
        "--backend",
        "app",
        "--route",
        "default/app",
        "--status",
        "2xx",
        "--path",
        "/cart",
        "--header",
        "host",
        "--count",
        "3",
        "-o",
        "json",
    ])
    .await;
    assert!(shown.status.success(), "{}", text(&shown));
    let requests = lines(&shown);
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request["path"], "/cart?token=[hidden]&page=2", "{request}");
        assert_eq!(
            (&request["proxy"], &request["status"], &request["method"]),
            (&"edge-1".into(), &200.into(), &"GET".into())
        );
        assert_eq!((&request["backend"], &request["route"]), (&"backend/app".into(), &"route/default/app".into()));
        assert_eq!(request["headers"][0]["value"], HOST);
        assert!(request["durationMs"].as_f64() >= request["upstreamMs"].as_f64(), "{request}");
    }
    // What a filter leaves out is not told: another backend has nothing to tell, and the table of it is empty.
    let other =
        run(&["top", "--server", &server, "--backend", "other", "--interval", "200ms", "--count", "1", "-o", "json"])
            .await;
    assert_eq!(lines(&other)[0]["rows"], serde_json::json!([]), "{}", text(&other));
    let top = run(&["top", "--server", &server, "--interval", "1s", "--count", "2"]).await;
    assert!(top.status.success(), "{}", text(&top));
    let printed = text(&top);
    assert!(printed.contains("BACKEND") && printed.contains("default/app") && printed.contains("1/1"), "{printed}");
    load.stop().await.assert_all_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_proxy_tells_at_its_admin_endpoint_as_events() {
    let (_control_plane, proxy, _upstream, listen) = serving(&["--limit", "max-live-sessions=1"]).await;
    let load = Load::start(2, local(listen), HOST, "/");
    let admin = format!("http://{}", proxy.admin);
    let shown = run(&["tap", "--admin", &admin, "--count", "2"]).await;
    assert!(text(&shown).contains("backend=app"), "{}", text(&shown));
    let top = run(&["top", "--admin", &admin, "--count", "1", "--interval", "500ms", "-o", "json"]).await;
    let table = &lines(&top)[0];
    let row = &table["rows"][0];
    assert_eq!((&row["backend"], &row["route"]), (&"backend/app".into(), &"route/default/app".into()), "{table}");
    assert!(row["requests"].as_u64() == row["status2xx"].as_u64() && row["requests"].as_u64() > Some(0), "{table}");
    load.stop().await.assert_all_ok();

    // What is asked for wrongly is named, and more at once than may be are refused in words.
    let client = Client::new();
    let wrong = client.get(proxy.admin, "localhost", "/tap?status=9xx").await.unwrap();
    assert_eq!(
        (wrong.status, wrong.text().contains("status must be")),
        (StatusCode::BAD_REQUEST, true),
        "{}",
        wrong.text()
    );
    let unknown = client.get(proxy.admin, "localhost", "/top?backends=app").await.unwrap();
    assert!(unknown.text().contains("backends"), "{}", unknown.text());
    let stream = tokio::net::TcpStream::connect(proxy.admin).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    let held = tokio::spawn(connection);
    let request = http::Request::get("/top?interval=200ms").header("host", "localhost");
    let mut events = sender.send_request(request.body(String::new()).unwrap()).await.unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    events.body_mut().frame().await.unwrap().unwrap();
    let refused = client.get(proxy.admin, "localhost", "/tap").await.unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text().contains("max-live-sessions"), "{}", refused.text());
    // Whoever leaves makes room for the next.
    drop((events, sender));
    held.abort();
    traffic::until("the session to end", || async {
        let metrics = client.get(proxy.admin, "localhost", "/metrics").await.unwrap().text();
        metrics.lines().any(|line| line == "backstay_live_sessions 0")
    })
    .await;
    let metrics = client.get(proxy.admin, "localhost", "/metrics").await.unwrap().text();
    assert!(metrics.lines().any(|line| line == "backstay_live_sessions_refused_total 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_endpoint_says_what_a_runbook_asks_for() {
    let (_control_plane, proxy, _upstream, listen) = serving(&["--node-id", "edge-1"]).await;
    let client = Client::new();
    let about = client.get(proxy.admin, "localhost", "/").await.unwrap().json();
    assert_eq!(
        (&about["proxy"], &about["fleet"], &about["ready"]),
        (&"edge-1".into(), &"default".into(), &true.into()),
        "{about}"
    );
    assert!(about["uptimeSeconds"].is_number() && about["version"].is_string(), "{about}");
    let listeners = client.get(proxy.admin, "localhost", "/listeners").await.unwrap().json();
    let listener = &listeners["listeners"][0];
    assert_eq!(
        (&listener["address"], &listener["state"]),
        (&local(listen).to_string().into(), &"listening".into()),
        "{listeners}"
    );
    assert_eq!(listener["routes"], 1);
    let memory = client.get(proxy.admin, "localhost", "/memory").await.unwrap().json();
    assert!(memory["residentBytes"].as_u64() > Some(0), "{memory}");
}

//! Upstreams that fail at every stage, and crowds: every request gets an answer, and nothing of it is left behind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::harness::rest::{BACKENDS, ROUTES};
use crate::harness::{Client, ControlPlane, Load, PATIENCE, Proxy, Upstream, manifest, port, traffic};

const HOST: &str = "app.example.com";

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The sum of a metric over its labels.
async fn metric(proxy: &Proxy, name: &str) -> f64 {
    let text = Client::new().get(proxy.admin, "localhost", "/metrics").await.unwrap().text();
    let of_name = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    of_name.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Waits until nothing is under way any more.
async fn nothing_is_left(proxy: &Proxy) {
    traffic::until("no request to be active", || async {
        metric(proxy, "backstay_backend_active_requests").await == 0.0
    })
    .await;
}

async fn policy(control_plane: &ControlPlane, spec: serde_json::Value) {
    let mut spec = spec;
    spec["targetRefs"] = json!([{"name": "app"}]);
    let policy = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"}, "spec": spec});
    control_plane.rest().create(&policy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_at_once_share_a_few_connections() {
    const CLIENTS: usize = 100;
    const EACH: usize = 100;
    const THREADS: f64 = 2.0;
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start_with(control_plane.xds(), &["--threads", "2"]);
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = gate.clone();
    let upstream = Upstream::start(local(0), move |request| {
        let gate = opened.clone();
        async move {
            // Nobody is answered before all are under way.
            if request.uri.path() == "/" {
                drop(gate.acquire().await);
            }
            http::Response::new(bytes::Bytes::from("done"))
        }
    })
    .await;
    policy(&control_plane, json!({"limits": {"connections": 32, "pendingRequests": 20_000}})).await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;

    // Over HTTP/2 the name of the connection and that of the request are one: the route must take any.
    control_plane.rest().change(&format!("{ROUTES}/app"), &json!({"spec": {"hostnames": null}})).await;
    let host = local(listen).to_string();
    traffic::until("the route to take any host", || async {
        Client::new().get(local(listen), &host, "/ready").await.is_ok_and(|answer| answer.status == 200)
    })
    .await;

    let mut requests = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = Arc::new(Client::http2());
        for _ in 0..EACH {
            let client = client.clone();
            let host = host.clone();
            requests.spawn(async move { client.get(local(listen), &host, "/").await });
        }
    }
    traffic::until("every request to be under way", || async {
        metric(&proxy, "backstay_backend_active_requests").await >= (CLIENTS * EACH) as f64
    })
    .await;
    // As in Envoy, every pool may have one connection whatever the limit, and each thread has a pool.
    let connections = metric(&proxy, "backstay_backend_connections").await;
    assert!(connections <= 32.0 + THREADS, "{connections} connections");
    gate.close();
    while let Some(answer) = requests.join_next().await {
        let answer = answer.unwrap().unwrap();
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "done".to_owned()));
    }
    nothing_is_left(&proxy).await;
}

/// An upstream that does something else wrong on each connection, and something right on every fifth.
async fn unreliable() -> SocketAddr {
    let listener = TcpListener::bind(local(0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let count = AtomicUsize::new(0);
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(misbehave(stream, count.fetch_add(1, Ordering::Relaxed) % 5));
        }
    });
    address
}

async fn misbehave(mut stream: TcpStream, way: usize) {
    let mut head = [0; 4096];
    if way == 0 || !stream.read(&mut head).await.is_ok_and(|read| read > 0) {
        return;
    }
    let answer: &[u8] = match way {
        1 => b"",
        2 => b"HTTP/1.1 200 OK\r\nContent-Le",
        3 => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part",
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    };
    let _ = stream.write_all(answer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_breaks_at_every_stage_costs_an_answer_each_and_no_more() {
    const CLIENTS: usize = 20;
    const EACH: usize = 50;
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let address = unreliable().await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], address.port()).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(async move {
            let client = Client::new();
            let (mut good, mut bad, mut cut) = (0, 0, 0);
            for _ in 0..EACH {
                let request = client.get(local(listen), HOST, "/");
                match tokio::time::timeout(PATIENCE, request).await.expect("every request ends") {
                    Ok(answer) if answer.status == 200 => good += 1,
                    Ok(answer) => {
                        assert_eq!(answer.status, 503, "{}", answer.text());
                        bad += 1;
                    }
                    Err(_) => cut += 1,
                }
            }
            (good, bad, cut)
        });
    }
    let mut sum = (0, 0, 0);
    while let Some(tally) = clients.join_next().await {
        let (good, bad, cut) = tally.unwrap();
        sum = (sum.0 + good, sum.1 + bad, sum.2 + cut);
    }
    assert!(sum.0 > 0 && sum.1 > 0 && sum.2 > 0, "each kind of outcome was seen: {sum:?}");
    nothing_is_left(&proxy).await;

    // With retries, what can be tried again is.
    policy(
        &control_plane,
        json!({"retries": {"retryOn": ["connect-failure", "reset"], "attempts": 8}, "limits": {"retries": 1000}}),
    )
    .await;
    traffic::until("retries to be in force", || async {
        let client = Client::new();
        let mut all_good = true;
        for _ in 0..10 {
            all_good &= client.get(local(listen), HOST, "/").await.is_ok_and(|answer| answer.status == 200);
        }
        all_good || metric(&proxy, "backstay_backend_retries_total").await > 0.0
    })
    .await;
    nothing_is_left(&proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_go_away_leave_nothing_behind() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::start(local(0), |_| std::future::pending()).await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;
    let mut requests = JoinSet::new();
    for _ in 0..200 {
        requests.spawn(async move { Client::new().get(local(listen), HOST, "/").await });
    }
    traffic::until("the requests to be under way", || async {
        metric(&proxy, "backstay_backend_active_requests").await == 200.0
    })
    .await;
    requests.shutdown().await;
    nothing_is_left(&proxy).await;
    traffic::until("the connections to be closed", || async {
        metric(&proxy, "backstay_backend_connections").await == 0.0
    })
    .await;
    assert!(control_plane.rest().read(&format!("{BACKENDS}/app")).await.is_object());
}

/// Files and sockets that the process has open. 0 where the system does not say.
fn descriptors(proxy: &Proxy) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", proxy.process.id())).map_or(0, Iterator::count)
}

/// What the proxy thinks of the endpoint at `ip`.
async fn health(proxy: &Proxy, ip: &str) -> String {
    let shown = Client::new().get(proxy.admin, "localhost", "/backends").await.unwrap().json();
    let endpoints = shown["backends"][0]["endpoints"].as_array().unwrap();
    let found = endpoints.iter().find(|endpoint| endpoint["address"] == ip).unwrap();
    found["health"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_comes_and_goes_costs_no_answer_and_leaves_nothing_behind() {
    const ROUNDS: usize = 10;
    const CLIENTS: usize = 8;
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let steady = Upstream::answering("steady").await;
    let flapping = SocketAddr::from(([127, 0, 0, 2], steady.port()));
    let mut comes_and_goes = Upstream::answering_on(flapping, "flapping").await;
    let listen = port::free();
    policy(
        &control_plane,
        json!({
            "healthChecks": [{"http": {}, "interval": "20ms", "thresholds": {"healthy": 1, "unhealthy": 1}}],
            "outlierDetection": {"consecutive5xx": 5, "baseEjectionTime": "100ms", "interval": "100ms", "maxEjectionPercent": 50},
            "retries": {"retryOn": ["connect-failure", "reset"], "attempts": 3, "avoidPreviousHosts": true},
            "limits": {"retries": 1000, "requests": 1000},
            "timeouts": {"idle": "500ms"},
        }),
    )
    .await;
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1", "127.0.0.2"], steady.port()).await;
    traffic::until("both endpoints to be healthy", || async { health(&proxy, "127.0.0.2").await == "healthy" }).await;
    let before = descriptors(&proxy);

    let mut load = Load::start(CLIENTS, local(listen), HOST, "/");
    for _ in 0..ROUNDS {
        load.more(200).await;
        drop(comes_and_goes);
        traffic::until("the endpoint to be missed", || async { health(&proxy, "127.0.0.2").await == "unhealthy" })
            .await;
        load.more(200).await;
        while TcpListener::bind(flapping).await.is_err() {
            tokio::task::yield_now().await;
        }
        comes_and_goes = Upstream::answering_on(flapping, "flapping").await;
        traffic::until("the endpoint to be back", || async { health(&proxy, "127.0.0.2").await == "healthy" }).await;
        traffic::until("the endpoint to be used", || async {
            comes_and_goes.seen().iter().any(|request| request.headers.contains_key("x-forwarded-for"))
        })
        .await;
    }
    let tally = load.stop().await;
    tally.assert_all_ok();
    assert!(tally.with_body("steady") > 0 && tally.with_body("flapping") > 0, "{tally:?}");

    nothing_is_left(&proxy).await;
    traffic::until("all connections and counts to be gone", || async {
        metric(&proxy, "backstay_backend_connections").await == 0.0
            && metric(&proxy, "backstay_backend_in_use").await == 0.0
            && metric(&proxy, "backstay_connections").await == 0.0
    })
    .await;
    // Checks of both endpoints, and whoever asks the admin endpoint, may have a socket each.
    traffic::until("all descriptors to be given back", || async { descriptors(&proxy) <= before + 3 }).await;
}

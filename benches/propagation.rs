//! From a change acknowledged by the API to the first request served by the new endpoint, with many Backends stored.
//!
//! Every Backend is used by a route, so all are compiled and held by the proxy; one of them is switched between two
//! upstreams with `PUT`, and requests are sent through the proxy, one after another, until the other upstream answers.
//!
//! `cargo bench --bench propagation -- --changes 100`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "support/lib.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use support::process::{Process, backstay, control_plane};
use support::{argument, backend, http::Client, median, millis, percentile};

const UPSTREAM: u16 = 21500;
const LISTENER: u16 = 21501;
const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
const GATEWAY_API: &str = "/apis/gateway.networking.k8s.io/v1";
/// The most rules that one HTTPRoute takes.
const RULES: usize = 16;

fn main() {
    for ip in ["127.0.0.1", "127.0.0.2"] {
        answer_with_own_address(ip);
    }
    println!("| Backends stored | median ms | 90 % ms | 99 % ms | control plane MiB | proxy MiB |");
    println!("|---|---|---|---|---|---|");
    for count in [1, 1_000, 10_000] {
        run(count, argument("--changes", 100));
    }
}

fn run(count: usize, changes: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (api, xds) = (SocketAddr::from(([127, 0, 0, 1], 21580)), SocketAddr::from(([127, 0, 0, 1], 21581)));
    let control = control_plane(folder.path(), api, xds);
    fill(api, count);
    let mut proxy = backstay();
    proxy.args(["proxy", "--threads", "1", "--admin", "127.0.0.1:21902", "--control-plane", &format!("http://{xds}")]);
    let mut proxy = Process::spawn("the proxy", &mut proxy);
    let listener = SocketAddr::from(([127, 0, 0, 1], LISTENER));
    proxy.wait_for(listener);

    let (mut writer, mut reader) = (Client::connect(api), Client::connect(listener));
    let deadline = Instant::now() + Duration::from_secs(60);
    while reader.get("/b0").status != 200 {
        assert!(Instant::now() < deadline, "the proxy does not serve");
    }
    let mut times = Vec::with_capacity(changes);
    for change in 0..changes {
        let ip = if change % 2 == 0 { "127.0.0.2" } else { "127.0.0.1" };
        let answer = writer.put(&format!("{BACKENDS}/b0"), &backend("b0", ip));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let acknowledged = Instant::now();
        loop {
            let answer = reader.get("/b0");
            assert_eq!(answer.status, 200, "no request fails while endpoints change");
            if answer.body == ip.as_bytes() {
                break;
            }
        }
        times.push(millis(acknowledged.elapsed()));
    }
    println!(
        "| {count} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} |",
        median(&times),
        percentile(&times, 90.0),
        percentile(&times, 99.0),
        control.resident_mib(),
        proxy.resident_mib()
    );
}

/// One Gateway, `count` Backends, and routes that send `/bN` to Backend N.
fn fill(api: SocketAddr, count: usize) {
    let mut client = Client::connect(api);
    let mut create = |path: &str, body: &str| {
        let answer = client.post(path, body);
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    };
    create(
        &format!("{GATEWAY_API}/namespaces/default/gateways"),
        &format!(
            r#"{{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{{"name":"web"}},"spec":{{"gatewayClassName":"backstay","listeners":[{{"name":"http","protocol":"HTTP","port":{LISTENER}}}]}}}}"#
        ),
    );
    for number in 0..count {
        create(BACKENDS, &backend(&format!("b{number}"), "127.0.0.1"));
    }
    let numbers: Vec<usize> = (0..count).collect();
    for (index, numbers) in numbers.chunks(RULES).enumerate() {
        let rules: Vec<String> = numbers
            .iter()
            .map(|number| {
                format!(
                    r#"{{"matches":[{{"path":{{"type":"Exact","value":"/b{number}"}}}}],"backendRefs":[{{"group":"core.apoxy.dev","kind":"Backend","name":"b{number}","port":{UPSTREAM}}}]}}"#
                )
            })
            .collect();
        create(
            &format!("{GATEWAY_API}/namespaces/default/httproutes"),
            &format!(
                r#"{{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{{"name":"r{index}"}},"spec":{{"parentRefs":[{{"name":"web"}}],"rules":[{}]}}}}"#,
                rules.join(",")
            ),
        );
    }
}

/// An upstream that answers every request with the address it listens on.
fn answer_with_own_address(ip: &'static str) {
    let listener = TcpListener::bind((ip, UPSTREAM)).unwrap_or_else(|error| panic!("{ip}:{UPSTREAM}: {error}"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if line == "\r\n" {
                        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ip}", ip.len());
                        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                    line.clear();
                }
            });
        }
    });
}

//! A proxy that becomes idle gives back what it used.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{ControlPlane, Proxy, Upstream, manifest, port, traffic};

const HOST: &str = "app.example.com";
const CLIENTS: usize = 400;
const MIB: u64 = 1 << 20;

/// A line of a file of `/proc` about the proxy.
fn line(proxy: &Proxy, file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{}/{file}", proxy.process.id())).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

/// Its own memory in bytes: neither code nor what it shares.
fn memory(proxy: &Proxy) -> u64 {
    line(proxy, "smaps_rollup", "Pss_Anon:").trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_comes_back() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start_with(control_plane.xds(), &["--threads", "1"]);
    assert_eq!(line(&proxy, "status", "THP_enabled:"), "0");
    let upstream = Upstream::answering("").await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;

    let before = memory(&proxy);
    // Heads almost as long as they may be, without their ends.
    let head = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Long: {}", "x".repeat(60_000));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], listen))).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        clients.push(client);
    }
    traffic::until("heads to wait", || async { memory(&proxy) > before + 16 * MIB }).await;
    drop(clients);
    traffic::until("memory to come back", || async { memory(&proxy) < before + 4 * MIB }).await;
}

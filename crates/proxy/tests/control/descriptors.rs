//! What an operator sees when file descriptors run out.

use std::net::SocketAddr;
use std::process::Command;

use backstay_proxy::{Options, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::exposition::Exposition;
use super::plane::{ControlPlane, free_port};
use super::traffic::{Upstream, get};
use super::{acknowledged, all, options};

/// Set where a process may have few descriptors.
const FEW: &str = "BACKSTAY_TEST_FEW_DESCRIPTORS";

/// The test below in a process of its own, which other tests do not share the descriptors with.
#[test]
fn the_admin_endpoint_answers_when_descriptors_have_run_out() {
    let of_its_own = Command::new("sh")
        .args(["-c", "ulimit -n 200 && exec \"$0\" --exact descriptors::in_a_process_with_few --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(FEW, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&of_its_own.stdout);
    assert!(of_its_own.status.success() && said.contains("1 passed"), "{said}{of_its_own:?}");
}

/// Asks once on a connection that stays open.
async fn metrics(stream: &mut TcpStream) -> Exposition {
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(stream.read_u8().await.unwrap()));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Exposition::read(std::str::from_utf8(&body).unwrap())
}

#[tokio::test]
async fn in_a_process_with_few() {
    if std::env::var_os(FEW).is_none() {
        return;
    }
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(Options { threads: 1, ..options(Some(plane.address)) }).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    // What clients need is theirs before all is taken.
    let [client, one, two] = std::array::from_fn(|_| TcpSocket::new_v4().unwrap());
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    let mut client = client.connect(SocketAddr::from(([127, 0, 0, 1], listen))).await.unwrap();
    let admin = proxy.admin_address().unwrap();
    let (mut one, mut two) = (one.connect(admin).await.unwrap(), two.connect(admin).await.unwrap());
    while metrics(&mut one).await.value("backstay_accept_failures_total", &[]) == 0.0 {}
    let seen = metrics(&mut two).await;
    assert_eq!(seen.value("process_max_fds", &[]), 200.0);
    assert!(seen.value("process_open_fds", &[]) >= 190.0, "{}", seen.value("process_open_fds", &[]));
    drop(taken);
    // Not before: what the process has open for a moment may have left room for the connection, and for none to the upstream.
    client.write_all(b"GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("here"), "who had to wait is served in the end: {answer}");
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    proxy.shutdown().await;
}

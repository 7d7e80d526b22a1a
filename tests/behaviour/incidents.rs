//! What goes wrong at night is found in one hop: the command that docs/operations.md names says it, in these words.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::tls::{Authority, Pair};
use crate::harness::{Client, ControlPlane, Load, Proxy, Upstream, backstay, manifest, port, traffic};

const HOST: &str = "app.example.com";
/// The guide whose words these are.
const GUIDE: &str = include_str!("../../docs/operations.md");

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// `words` stand in the guide's table, and come to be said by `answer`.
async fn says<F: Future<Output = String>>(words: &str, answer: impl Fn() -> F) {
    assert!(GUIDE.contains(words), "docs/operations.md does not have the words {words:?}");
    let last = std::sync::Mutex::new(String::new());
    let found = traffic::until(words, || async {
        let said = answer().await;
        let holds = said.contains(words);
        *last.lock().unwrap() = said;
        holds
    });
    if tokio::time::timeout(Duration::from_secs(50), found).await.is_err() {
        panic!("{words:?} is not said in:\n{}", last.lock().unwrap());
    }
}

/// What the proxy says at its admin endpoint: `curl http://127.0.0.1:9901/`.
async fn of_proxy(proxy: &Proxy) -> String {
    Client::new().get(proxy.admin, "localhost", "/").await.map(|answer| answer.text()).unwrap_or_default()
}

/// What the command prints.
async fn printed(arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let output = tokio::task::spawn_blocking(move || backstay(arguments)).await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn serving(ips: &[&str], upstream: u16) -> (ControlPlane, Proxy, u16) {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, ips, upstream).await;
    (control_plane, proxy, listen)
}

#[test]
fn each_incident_of_the_guide_is_made_to_happen() {
    let table = GUIDE.split_once("### Each in one hop").unwrap().1.split_once("\n## ").unwrap().0;
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what")).collect();
    assert!(rows.len() >= 13, "{rows:?}");
    // The words that the tests here wait for.
    let words: Vec<&str> = include_str!("incidents.rs")
        .split("says(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(words, _)| words))
        .collect();
    for row in rows {
        let said = row.rsplit(" | ").next().unwrap();
        assert!(words.iter().any(|words| said.contains(words)), "no test waits for any of {said}");
    }
}

async fn ask(listen: u16) {
    let _ = Client::new().get(local(listen), HOST, "/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_down() {
    let (_control_plane, proxy, listen) = serving(&["127.0.0.1"], port::free()).await;
    ask(listen).await;
    says("no connection to 127.0.0.1", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_does_not_resolve() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let mut backend = manifest::backend("lost", &[]);
    backend["spec"]["endpoints"] = json!([{"fqdn": "lost.invalid"}]);
    let rest = control_plane.rest();
    rest.create(&backend).await;
    rest.create(&manifest::gateway("web", port::free())).await;
    rest.create(&manifest::route("app", "web", HOST, "lost", 80)).await;
    says("the name lost.invalid has no address", || of_proxy(&proxy)).await;
}

/// A backend whose endpoint speaks TLS with this certificate.
async fn over_tls(issue: impl Fn(&Authority) -> Pair) -> (ControlPlane, Proxy, Upstream, u16) {
    let authority = Authority::new();
    let pair = issue(&authority);
    let upstream = Upstream::start_tls(pair.acceptor(&["http/1.1"]), |_| async {
        http::Response::new(bytes::Bytes::from("hello"))
    })
    .await;
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let listen = port::free();
    let mut backend = manifest::backend("app", &["127.0.0.1"]);
    backend["spec"]["protocol"] = json!("tls");
    rest.create(&backend).await;
    let policy = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"},
        "spec": {"targetRefs": [{"name": "app"}], "tls": {"sni": HOST, "caCertificate": authority.pem()}}});
    rest.create(&policy).await;
    rest.create(&manifest::gateway("web", listen)).await;
    rest.create(&manifest::route("app", "web", HOST, "app", upstream.port())).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    (control_plane, proxy, upstream, listen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_mistyped() {
    let (control_plane, _proxy, listen) = serving(&["127.0.0.1"], port::free()).await;
    let url = format!("http://ap.example.com:{listen}/");
    let server = control_plane.server();
    says("no route has a match for it", || async { printed(&["explain", &url, "--server", &server]).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_conflict() {
    let (control_plane, _proxy, _) = serving(&["127.0.0.1"], port::free()).await;
    for name in ["first", "second"] {
        let policy = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": name},
            "spec": {"targetRefs": [{"name": "app"}], "timeouts": {"connect": "1s"}}});
        control_plane.rest().create(&policy).await;
    }
    let server = control_plane.server();
    says("Conflicted", || async { printed(&["status", "--server", &server]).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_plane_is_away() {
    let (control_plane, proxy, _) = serving(&["127.0.0.1"], port::free()).await;
    drop(control_plane);
    says("no control plane, and what was in force is served", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full() {
    if !Path::new("/dev/full").exists() {
        return crate::harness::tools::lacking("/dev/full", "a device that is always full");
    }
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start_with(control_plane.xds(), &["--access-log", "/dev/full"]);
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;
    ask(listen).await;
    says("the access log could not be written", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_taken_and_so_the_listener_refused() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rest = control_plane.rest();
    rest.create(&manifest::gateway("web", taken.local_addr().unwrap().port())).await;
    let server = control_plane.server();
    says("in use", || async { printed(&["status", "--server", &server]).await }).await;
    says("is refused, and its last good version served", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_slower_than_clients_wait() {
    let upstream = Upstream::start(local(0), |_| std::future::pending()).await;
    let (control_plane, proxy, listen) = serving(&["127.0.0.1"], upstream.port()).await;
    let server = control_plane.server();
    let top =
        tokio::spawn(async move { printed(&["top", "--server", &server, "--interval", "2s", "--count", "3"]).await });
    let impatient = tokio::spawn(async move {
        loop {
            let _ = tokio::time::timeout(Duration::from_millis(100), ask(listen)).await;
        }
    });
    let said = top.await.unwrap();
    impatient.abort();
    let words = "clients left before their answer had come";
    assert!(said.contains(words) && GUIDE.contains(words), "{said}");
    says("clients left since the start before an answer to them began", || of_proxy(&proxy)).await;
    let backends = Client::new().get(proxy.admin, "localhost", "/backends").await.unwrap().text();
    assert!(backends.contains("it is slower than they wait"), "{backends}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_not_known() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start_with(control_plane.xds(), &["--fleet", "egde"]);
    says("there is no fleet", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_an_endpoint_is_for_another_name() {
    let (_control_plane, proxy, _upstream, listen) =
        over_tls(|authority| authority.issue_for(&["other.example.com"], Duration::from_secs(3600))).await;
    ask(listen).await;
    says("certificate", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_an_endpoint_has_ended() {
    let (_control_plane, proxy, _upstream, listen) = over_tls(|authority| authority.issue_ended(&[HOST])).await;
    ask(listen).await;
    says("expired", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_listener_has_ended() {
    let authority = Authority::new();
    let (_control_plane, proxy) = showing(&authority.issue_ended(&[HOST])).await;
    says("is expired", || of_proxy(&proxy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_listener_is_missing_or_wrong() {
    let control_plane = ControlPlane::start();
    let (rest, server) = (control_plane.rest(), control_plane.server());
    let mut gateway = manifest::gateway("web", port::free());
    gateway["spec"]["listeners"][0]["protocol"] = json!("HTTPS");
    gateway["spec"]["listeners"][0]["tls"] = json!({"certificateRefs": [{"name": "shown"}]});
    rest.create(&gateway).await;
    let status = async || printed(&["status", "--server", &server]).await;
    says("ResolvedRefs", || async { status().await }).await;
    assert!(status().await.contains("shown"), "it names the Secret: {}", status().await);
    let authority = Authority::new();
    let (mut secret, other) = (authority.issue(&[HOST]).secret("shown"), authority.issue(&[HOST]).secret("shown"));
    secret["stringData"]["tls.key"] = other["stringData"]["tls.key"].clone();
    rest.create(&secret).await;
    traffic::until("the key of another certificate", || async { status().await.contains("key") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_listener_is_about_to_end() {
    let authority = Authority::new();
    // It holds for as long as it takes to come into force, and a moment more.
    let (_control_plane, proxy) = showing(&authority.issue_for(&[HOST], Duration::from_secs(20))).await;
    says("is about to end", || of_proxy(&proxy)).await;
}

/// A listener that presents this certificate.
async fn showing(pair: &Pair) -> (ControlPlane, Proxy) {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    rest.create(&pair.secret("shown")).await;
    let mut gateway = manifest::gateway("web", port::free());
    gateway["spec"]["listeners"][0]["protocol"] = json!("HTTPS");
    gateway["spec"]["listeners"][0]["tls"] = json!({"certificateRefs": [{"name": "shown"}]});
    rest.create(&gateway).await;
    (control_plane, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn file_descriptors_have_run_out() {
    let upstream = Upstream::answering("hello").await;
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;
    // As few as are open now: nothing more can be.
    let open = std::fs::read_dir(format!("/proc/{}/fd", proxy.process.id())).unwrap().count();
    let limit = std::process::Command::new("prlimit")
        .args(["--pid", &proxy.process.id().to_string(), &format!("--nofile={open}:{open}")])
        .status();
    if !limit.is_ok_and(|status| status.success()) {
        return crate::harness::tools::lacking("prlimit", "it lowers the limits of a process that runs");
    }
    let load = Load::start(2, local(listen), HOST, "/");
    says("file descriptors are open", || of_proxy(&proxy)).await;
    drop(load);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_descriptors_are_used_up_by_traffic() {
    let upstream = Upstream::answering("hello").await;
    let (_control_plane, proxy, listen) = serving(&["127.0.0.1"], upstream.port()).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", proxy.process.id())).unwrap().count();
    let most = open + 8;
    let limit = std::process::Command::new("prlimit")
        .args(["--pid", &proxy.process.id().to_string(), &format!("--nofile={most}:{most}")])
        .status();
    if !limit.is_ok_and(|status| status.success()) {
        return crate::harness::tools::lacking("prlimit", "it lowers the limits of a process that runs");
    }
    // More clients than there are descriptors for.
    let connect = |_| std::net::TcpStream::connect(local(listen)).unwrap();
    let clients: Vec<_> = (0..64).map(connect).collect();
    says("connections were not accepted", || of_proxy(&proxy)).await;
    drop(clients);
}

/// A disk of so many bytes, for as long as this lives.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where this process may not mount any.
    fn mount(bytes: usize) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(directory.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(directory))
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.path().join("filler")).unwrap();
        while std::io::Write::write(&mut file, &[0; 4096]).is_ok_and(|written| written > 0) {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_of_the_store_is_full() {
    let Some(disk) = Disk::mount(64 << 20) else {
        return crate::harness::tools::lacking("mount", "a disk that is full is one of its own");
    };
    let control_plane = ControlPlane::start_in(disk.0.path());
    let rest = control_plane.rest();
    disk.fill();
    let metrics = async || {
        let client = Client::new();
        // Until what the store has set aside is used up.
        for index in 0..4 {
            let mut backend = manifest::backend(&format!("app-{index}"), &["127.0.0.1"]);
            backend["metadata"]["generateName"] = json!("app-");
            backend["metadata"].as_object_mut().unwrap().remove("name");
            backend["metadata"]["annotations"] = json!({"text": "a".repeat(100_000)});
            let _ = rest.post(BACKENDS, &backend).await;
        }
        let answer = client.get(control_plane.api(), &control_plane.api().to_string(), "/metrics").await;
        answer.map(|answer| answer.text()).unwrap_or_default()
    };
    says("backstay_store_writable 0", || async { metrics().await }).await;
}

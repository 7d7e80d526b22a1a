//! The console in a real Chromium, and without one.

mod changes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::etcd::blocking;
use crate::harness::tools::{self, Browser};
use crate::harness::{Client, ControlPlane, Load, Proxy, Upstream, manifest, port};

const HOST: &str = "app.example.com";
/// A name that a page must show as it is.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

/// A console that runs, and its link.
struct Console {
    child: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Console {
    fn start(server: &str) -> (Self, String) {
        Self::start_with(server, &[])
    }

    fn start_with(server: &str, more: &[&str]) -> (Self, String) {
        use std::io::BufRead as _;
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
        command.args(["console", "--server", server]).args(more).env_remove("KUBECONFIG");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let link = lines.next().expect("a link").unwrap();
        (Self { child, lines }, link)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.lines.next();
    }
}

fn address(link: &str) -> SocketAddr {
    link.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap()
}

fn path(link: &str) -> String {
    link[link.find("/?").unwrap()..].to_owned()
}

async fn ask(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, http::HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = Client::new().send(request.body(Full::default()).unwrap()).await.unwrap();
    (answer.status, answer.headers.clone(), answer.text())
}

/// What there is to look at: a fleet that serves, a fault, hostile labels, and many backends.
async fn world(many: usize) -> (ControlPlane, Proxy, Upstream, u16) {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "edge-1"]);
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], upstream.port()).await;
    let mut hostile = manifest::backend("hostile", &["192.0.2.1"]);
    hostile["metadata"]["annotations"] = json!({"note": HOSTILE});
    rest.create(&hostile).await;
    rest.create(&manifest::route("broken", "web", "broken.example.com", "nobody", 80)).await;
    for index in 0..many {
        rest.create(&manifest::backend(&format!("many-{index:04}"), &["192.0.2.1"])).await;
    }
    let config = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "KrakendConfig", "metadata": {"name": "api", "namespace": "default"},
        "spec": {"config": {"version": 3, "port": port::free(), "endpoints": [{"endpoint": "/summary", "backend": [
            {"url_pattern": "/user/1", "host": ["http://users.example"]},
            {"url_pattern": "/orders/1", "host": ["http://orders.example"], "group": "orders"}]}]}}});
    let (status, _) = rest.post("/apis/backstay.dev/v1alpha1/namespaces/default/krakendconfigs", &config).await;
    assert!(status.is_success() || status == StatusCode::UNPROCESSABLE_ENTITY, "{status}");
    (control_plane, proxy, upstream, listen)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_link_nor_from_another_page() {
    let (control_plane, _proxy, _upstream, _) = world(0).await;
    let (_console, link) = Console::start(&control_plane.server());
    let address = address(&link);
    assert_eq!(ask(address, Method::GET, "/", &[]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(address, Method::GET, "/?token=guess", &[]).await.0, StatusCode::UNAUTHORIZED);
    let (status, headers, _) = ask(address, Method::GET, &path(&link), &[]).await;
    assert_eq!((status, &headers["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(ask(address, Method::GET, &path(&link), &[]).await.0, StatusCode::UNAUTHORIZED, "it is good once");
    let (status, headers, page) = ask(address, Method::GET, "/", &[("cookie", &cookie)]).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("edge-1") && page.contains("broken"), "{page}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"), "nothing inline");
    // With the cookie too, no page of another host gets in, nor one that calls this machine by a name of its own.
    for headers in [
        [("cookie", cookie.as_str()), ("host", "evil.example")],
        [("cookie", cookie.as_str()), ("origin", "http://evil.example")],
        [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(ask(address, Method::GET, "/", &headers).await.0, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let activate = ask(address, Method::POST, "/fastly/x/activate", &[("cookie", &cookie)]).await;
    assert_eq!(activate.0, StatusCode::FORBIDDEN, "a form has an origin: {}", activate.2);
    let (_, _, hostile) =
        ask(address, Method::GET, "/objects/core.apoxy.dev/v1alpha2/backends/-/hostile", &[("cookie", &cookie)]).await;
    assert!(hostile.contains("&lt;img src=x onerror=alert(1)&gt;") && !hostile.contains("<img src=x"), "{hostile}");
    let (status, ..) = ask(
        address,
        Method::GET,
        "/objects/core.apoxy.dev/v1alpha2/backends?search=%3Cscript%3E",
        &[("cookie", &cookie)],
    )
    .await;
    assert_eq!(status, StatusCode::OK);
}

fn axe() -> Option<PathBuf> {
    let named = std::env::var_os("BACKSTAY_AXE").map(PathBuf::from);
    let found = named.unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/axe/node_modules/axe-core/axe.min.js").into()
    });
    if found.is_file() {
        return Some(found);
    }
    tools::lacking("the npm package axe-core", "BACKSTAY_AXE names its axe.min.js");
    None
}

/// What a browser finds; pictures go to `target/console`.
fn browse(browser: &Browser, axe: &std::path::Path, link: &str, listen: u16) -> Value {
    let home = tempfile::tempdir().unwrap();
    let pictures = concat!(env!("CARGO_MANIFEST_DIR"), "/target/console");
    std::fs::create_dir_all(pictures).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/console/flows.js");
    let output = Command::new("timeout")
        .arg("240")
        .arg(&browser.node)
        .arg(script)
        .args([link, &listen.to_string(), pictures])
        .env("BACKSTAY_CHROMIUM", &browser.chromium)
        .env("BACKSTAY_PLAYWRIGHT", std::path::absolute(&browser.playwright).unwrap())
        .env("BACKSTAY_AXE", axe)
        .env("HOME", home.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_of_the_console_in_a_browser() {
    let (Some(browser), Some(axe)) = (tools::browser(), axe()) else { return };
    let (control_plane, _proxy, _upstream, listen) = world(120).await;
    let (_console, link) = Console::start(&control_plane.server());
    let load = Load::start(1, SocketAddr::from(([127, 0, 0, 1], listen)), HOST, "/cart");
    let seen = blocking(|| browse(&browser, &axe, &link, listen));
    let shown = format!("{seen:#}");
    let flows = seen["flows"].as_object().unwrap();
    assert!(flows.len() >= 10, "{shown}");
    for (flow, outcome) in flows {
        assert_eq!(outcome, "ok", "{flow}: {shown}");
    }
    assert_eq!(seen["console"], json!([]), "nothing in the browser's console: {shown}");
    assert_eq!(seen["violations"], json!([]), "axe-core: {shown}");
    load.stop().await;
    let rest = control_plane.rest();
    let changed = rest.read("/apis/core.apoxy.dev/v1alpha2/backends/hostile").await;
    assert_eq!(changed["spec"]["endpoints"][0]["ip"], "192.0.2.7", "{changed}");
    let (status, _) = rest.get("/apis/core.apoxy.dev/v1alpha2/backends/made-here").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it was made, and deleted again");
}

//! A request through a service of many conditions, beside the same as rules of an HTTPRoute: CPU seconds of the proxy, kernel and all.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::support::http::Client;
use crate::support::manifests::{backend, gateway, route, rule};
use crate::support::process::{Process, backstay, control_plane_with, find, pinned, write};
use crate::support::{argument, median, upstream};

const PROXY_CPU: usize = 0;
const OTHER_CPU: usize = 1;
const UPSTREAM: u16 = 21710;
const TLS_UPSTREAM: u16 = 21711;
const LISTENER: u16 = 21712;
const CONDITIONS: usize = 50;
/// The most rules that one HTTPRoute takes.
const RULES: usize = 16;

pub fn run() {
    for tool in ["wrk", "nginx", "taskset"] {
        assert!(find(tool).is_some(), "{tool} is needed (Debian: wrk, nginx-light, util-linux)");
    }
    let (rounds, seconds) = (argument("--rounds", 5usize), argument("--seconds", 8u64));
    let folder = tempfile::tempdir().expect("a folder");
    upstream::certificate(folder.path());
    let served = upstream::command(folder.path(), UPSTREAM, TLS_UPSTREAM);
    let mut served = Process::spawn("the upstream", &mut pinned(OTHER_CPU, &served));
    served.wait_for(SocketAddr::from(([127, 0, 0, 1], UPSTREAM)));
    let (api, xds) = (SocketAddr::from(([127, 0, 0, 1], 21790)), SocketAddr::from(([127, 0, 0, 1], 21791)));
    let store = folder.path().join("store");
    let _control = control_plane_with(&store, api, xds, &["--fastly-gateway", "default/web"]);
    let mut proxy = backstay();
    proxy.args(["proxy", "--threads", "1", "--admin", "127.0.0.1:21792", "--control-plane", &format!("http://{xds}")]);
    let mut proxy = Process::spawn("the proxy", &mut pinned(PROXY_CPU, &proxy));
    routes(folder.path(), api);
    service(api);
    let listener = SocketAddr::from(([127, 0, 0, 1], LISTENER));
    proxy.wait_for(listener);
    let last = format!("/p{}/", CONDITIONS - 1);
    for host in ["route.example", "service.example"] {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Client::connect(listener).send_with("GET", &last, &[("Host", host)], "").status != 200 {
            assert!(Instant::now() < deadline, "{host} is not served");
        }
    }
    println!("| {CONDITIONS} paths | CPU s per 100k requests | of the HTTPRoute (range) |");
    println!("|---|---|---|");
    let (mut as_route, mut as_service) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        as_route.push(load(folder.path(), &proxy, "route.example", seconds));
        as_service.push(load(folder.path(), &proxy, "service.example", seconds));
    }
    println!("| HTTPRoute | {:.2} | |", median(&as_route));
    let ratios: Vec<f64> = as_service.iter().zip(&as_route).map(|(service, route)| service / route).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
    println!("| service of Fastly | {:.2} | {:.2} ({low:.2} to {high:.2}) |", median(&as_service), median(&ratios));
}

fn routes(folder: &Path, api: SocketAddr) {
    let mut text = String::new();
    gateway(&mut text, &format!("{{name: http, protocol: HTTP, port: {LISTENER}}}"));
    let numbers: Vec<usize> = (0..CONDITIONS).collect();
    for number in &numbers {
        backend(&mut text, &format!("b{number}"), "{endpoints: [{ip: 127.0.0.1}]}");
    }
    for (index, numbers) in numbers.chunks(RULES).enumerate() {
        let rules: Vec<_> = numbers.iter().map(|n| rule(&format!("/p{n}/"), &format!("b{n}"), UPSTREAM)).collect();
        route(&mut text, &format!("r{index}"), &rules);
    }
    let text = text.replace("parentRefs: [{name: web}]", "parentRefs: [{name: web}], hostnames: [route.example]");
    let manifests = write(folder, "manifests.yaml", &text);
    let mut apply = backstay();
    apply.args(["apply", "--server", &format!("http://{api}"), "-f"]).arg(manifests);
    let applied = Command::output(&mut apply).expect("backstay runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

fn service(api: SocketAddr) {
    let mut api = Api::connect(api);
    let version = format!("{}/version/1", api.service("many"));
    let mut make = |part: &str, body: String| api.send("POST", &format!("{version}/{part}"), &body);
    make("domain", r#"{"name":"service.example"}"#.to_owned());
    for number in 0..CONDITIONS {
        let statement = format!(r#"req.url ~ \"^/p{number}/\""#);
        make("condition", format!(r#"{{"name":"c{number}","type":"REQUEST","statement":"{statement}"}}"#));
        let more = format!(r#""port":{UPSTREAM},"request_condition":"c{number}""#);
        make("backend", format!(r#"{{"name":"b{number}","address":"127.0.0.1",{more}}}"#));
    }
    api.send("PUT", &format!("{version}/activate"), "");
}

/// CPU seconds of the proxy for 100,000 requests, evenly over all paths.
fn load(folder: &Path, proxy: &Process, host: &str, seconds: u64) -> f64 {
    let script = format!(
        "local n = 0\nrequest = function()\n  n = (n + 1) % {CONDITIONS}\n  return wrk.format('GET', '/p' .. n .. '/')\nend\n\
         wrk.headers['Host'] = '{host}'\n"
    );
    let script = write(folder, "load.lua", &script);
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c64", &format!("-d{seconds}s"), "-s"]).arg(script);
    command.arg(format!("http://127.0.0.1:{LISTENER}"));
    let before = proxy.cpu_seconds();
    let output = pinned(OTHER_CPU, &command).output().expect("wrk runs");
    let used = proxy.cpu_seconds() - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "the load saw errors:\n{text}");
    let line = text.lines().find(|line| line.contains("requests in")).unwrap_or_else(|| panic!("no result:\n{text}"));
    let requests: f64 = line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a count");
    used / requests * 100_000.0
}

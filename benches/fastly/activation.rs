//! From an activation to the last proxy that serves it, in a store of many services; and what the writes before it cost.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::support::http::Client;
use crate::support::process::{Process, backstay, control_plane_with};
use crate::support::{argument, backend, median, millis, percentile};

const LISTENER: u16 = 21701;
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";
const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
const BACKENDS_EACH: usize = 10;
const CLIENTS: usize = 16;

pub fn run() {
    let (services, proxies) = (argument("--services", 1000usize), argument("--proxies", 10usize));
    let folder = tempfile::tempdir().expect("a folder");
    let (api, xds) = (SocketAddr::from(([127, 0, 0, 1], 21780)), SocketAddr::from(([127, 0, 0, 1], 21781)));
    let control = control_plane_with(folder.path(), api, xds, &["--fastly-gateway", "default/web"]);
    let gateway = format!(
        r#"{{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{{"name":"web"}},"spec":{{"gatewayClassName":"backstay","listeners":[{{"name":"http","protocol":"HTTP","port":{LISTENER}}}]}}}}"#
    );
    assert_eq!(Client::connect(api).post(GATEWAYS, &gateway).status, 201);
    writes(&control, api, services);

    let mut changed = Api::connect(api);
    let service = changed.service("changed");
    for (part, body) in [
        ("domain", r#"{"name":"changed.example"}"#),
        ("condition", r#"{"name":"asked","type":"REQUEST","statement":"req.url == \"/version\""}"#),
        ("response_object", r#"{"name":"version","status":"200","content":"1","request_condition":"asked"}"#),
        ("backend", r#"{"name":"origin","address":"127.0.0.1"}"#),
    ] {
        changed.send("POST", &format!("{service}/version/1/{part}"), body);
    }
    changed.send("PUT", &format!("{service}/version/1/activate"), "");

    // All listen on one port, and the kernel shares connections out between them.
    let listener = SocketAddr::from(([127, 0, 0, 1], LISTENER));
    let mut running = Vec::new();
    for number in 0..proxies {
        let mut proxy = backstay();
        proxy.args(["proxy", "--threads", "1", "--control-plane", &format!("http://{xds}")]);
        proxy.args(["--admin", &format!("127.0.0.1:{}", 21800 + number)]);
        running.push(Process::spawn("a proxy", &mut proxy));
    }
    for (number, proxy) in running.iter_mut().enumerate() {
        let admin = SocketAddr::from(([127, 0, 0, 1], 21800 + u16::try_from(number).expect("a port")));
        proxy.wait_for(admin);
        let deadline = Instant::now() + Duration::from_secs(120);
        while Client::connect(admin).get("/ready").status != 200 {
            assert!(Instant::now() < deadline, "a proxy does not become ready");
        }
    }
    // So many that each proxy has some: one in a million runs has none for one of ten.
    let mut readers: Vec<_> = (0..proxies * 16).map(|_| Client::connect(listener)).collect();
    measure(&control, &mut changed, &service, &mut readers, &running);
}

fn measure(control: &Process, api: &mut Api, service: &str, readers: &mut [Client], proxies: &[Process]) {
    let changes: usize = argument("--changes", 50);
    let (mut sent, mut answered) = (Vec::new(), Vec::new());
    let (mut control_cpu, mut proxy_cpu) = (0.0, 0.0);
    let cpu = || proxies.iter().map(Process::cpu_seconds).sum::<f64>();
    for number in 2..changes + 2 {
        let version = format!("{service}/version/{number}");
        api.send("PUT", &format!("{service}/version/{}/clone", number - 1), "");
        api.send("PUT", &format!("{version}/response_object/version"), &format!(r#"{{"content":"{number}"}}"#));
        let (before, proxies_before) = (control.cpu_seconds(), cpu());
        let began = Instant::now();
        api.send("PUT", &format!("{version}/activate"), "");
        let acknowledged = Instant::now();
        let expected = number.to_string();
        for reader in &mut *readers {
            while reader.send_with("GET", "/version", &[("Host", "changed.example")], "").body != expected.as_bytes() {
                assert!(began.elapsed() < Duration::from_secs(60), "a proxy does not serve version {number}");
            }
        }
        sent.push(millis(began.elapsed()));
        answered.push(millis(acknowledged.elapsed()));
        control_cpu += control.cpu_seconds() - before;
        proxy_cpu += cpu() - proxies_before;
    }
    #[allow(clippy::cast_precision_loss)]
    let each = |seconds: f64| seconds / changes as f64 * 1e3;
    println!("| activation until the last of {} proxies serves it | median ms | 90 % ms | 99 % ms |", proxies.len());
    println!("|---|---|---|---|");
    for (from, times) in [("sent", &sent), ("answered", &answered)] {
        let figures = [median(times), percentile(times, 90.0), percentile(times, 99.0)];
        println!("| from when it was {from} | {:.1} | {:.1} | {:.1} |", figures[0], figures[1], figures[2]);
    }
    println!(
        "CPU of an activation: {:.1} ms of the control plane, {:.1} ms of all proxies with what asks them; {:.0} MiB and {:.0} MiB of one",
        each(control_cpu),
        each(proxy_cpu),
        control.resident_mib(),
        proxies[0].resident_mib(),
    );
}

/// Makes the services, and compares what their backends cost with what as many objects of the Kubernetes dialect do.
fn writes(control: &Process, api: SocketAddr, services: usize) {
    println!("| durable write, {CLIENTS} clients | each, CPU ms | a second |");
    println!("|---|---|---|");
    let paths = std::sync::Mutex::new(Vec::new());
    let share = |work: &(dyn Fn(usize) + Sync), count: usize| {
        std::thread::scope(|scope| {
            for first in 0..CLIENTS {
                scope.spawn(move || (first..count).step_by(CLIENTS).for_each(work));
            }
        });
    };
    let measured = |name: &str, count: usize, work: &dyn Fn()| {
        let (began, before) = (Instant::now(), control.cpu_seconds());
        work();
        let (wall, cpu) = (began.elapsed().as_secs_f64(), control.cpu_seconds() - before);
        #[allow(clippy::cast_precision_loss)]
        let count = count as f64;
        println!("| {name} | {:.3} | {:.0} |", cpu / count * 1e3, count / wall);
    };
    measured("POST /service, and its domain", services * 2, &|| {
        share(
            &|number| {
                let mut client = Api::connect(api);
                let path = client.service(&format!("s{number}"));
                client.send("POST", &format!("{path}/version/1/domain"), &format!(r#"{{"name":"s{number}.example"}}"#));
                paths.lock().unwrap().push(path);
            },
            services,
        );
    });
    let paths = paths.into_inner().unwrap();
    measured("POST …/backend", services * BACKENDS_EACH, &|| {
        share(
            &|number| {
                let mut client = Api::connect(api);
                for backend in 0..BACKENDS_EACH {
                    let body = format!(r#"{{"name":"b{backend}","address":"127.0.0.1","port":9}}"#);
                    client.send("POST", &format!("{}/version/1/backend", paths[number]), &body);
                }
            },
            services,
        );
    });
    measured("PUT …/activate", services, &|| {
        share(
            &|number| {
                Api::connect(api).send("PUT", &format!("{}/version/1/activate", paths[number]), "");
            },
            services,
        );
    });
    measured("POST of a Backend, Kubernetes dialect", services * BACKENDS_EACH, &|| {
        share(
            &|number| {
                let mut client = Client::connect(api);
                for each in 0..BACKENDS_EACH {
                    let name = format!("b{}", number * BACKENDS_EACH + each);
                    assert_eq!(client.post(BACKENDS, &backend(&name, "127.0.0.1")).status, 201);
                }
            },
            services,
        );
    });
}

//! CPU and memory of the API: durable creates, get, list, watches; what the same costs over gRPC, and what it costs to note who set
//! which field.
//!
//! The figures are CPU milliseconds of the control plane for each operation, and its memory. Beside them, what
//! kube-apiserver 1.34 with etcd 3.4 used for the same on the same kind of machine (over TLS on loopback). What is read is measured
//! with `--objects` Backends, and again with `--many`.
//!
//! `cargo bench --bench api -- --objects 10000 --many 200000` takes some minutes; with `--quick` a hundredth of everything, which tells
//! whether it runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod grpc;
mod owners;
#[path = "../support/lib.rs"]
mod support;

use std::net::SocketAddr;
use std::time::Instant;

use support::process::{Process, control_plane, raise_open_files};
use support::{argument, backend, http::Client, median, percentile};

const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";

fn main() {
    let size = Size::of_arguments();
    let Size { objects, many, .. } = size;
    // Watchers have a connection each, in both processes.
    raise_open_files(size.watchers + 1_000);
    let folder = tempfile::tempdir().expect("a folder");
    let (api, xds) = (SocketAddr::from(([127, 0, 0, 1], 21680)), SocketAddr::from(([127, 0, 0, 1], 21681)));
    let control = control_plane(folder.path(), api, xds);
    let (resident, own) = (control.resident_mib(), control.anonymous_kib());
    println!("memory at start: {resident:.1} MiB");
    println!("| operation | each, CPU ms | a second | kube-apiserver and etcd, CPU ms |");
    println!("|---|---|---|---|");

    let single = objects / 10;
    measure(&control, "create, 1 client", single, "1.24", || create(api, 1, 0, single));
    measure(&control, "create, 32 clients", objects - single, "1.24", || create(api, 32, single, objects));
    let few = Memory::of(&control, own, objects);
    read(&control, api, objects, &size);
    let whole = size.lists.div_ceil(50);
    let mut client = Client::connect(api);
    measure(&control, &format!("list of {objects}"), whole, "1870 (14,000)", || {
        for _ in 0..whole {
            assert_eq!(client.get(BACKENDS).status, 200);
        }
    });
    drop(client);
    fan_out(&control, api, size.watchers);
    measure(&control, "create, 32 clients, of many", many - objects, "-", || create(api, 32, objects, many));
    let all = Memory::of(&control, own, many);
    read(&control, api, many, &size);
    for Memory { objects, resident, each } in [few, all] {
        println!("memory with {objects} objects: {resident:.1} MiB, {each:.2} KiB for each of the process's own");
    }
    println!("after the lists: {:.1} MiB", control.resident_mib());

    println!("\n| what | CPU ms | beside | CPU ms | ratio (range) |");
    println!("|---|---|---|---|---|");
    grpc::compare_with_rest(&control, api, &size);
    owners::compare_with_none(&control, api, &size);
}

/// What the process takes with so many objects.
struct Memory {
    objects: usize,
    resident: f64,
    each: f64,
}

impl Memory {
    /// `own` is what it took without any, in KiB.
    #[allow(clippy::cast_precision_loss)]
    fn of(control: &Process, own: f64, objects: usize) -> Self {
        let each = (control.anonymous_kib() - own) / objects as f64;
        Self { objects, resident: control.resident_mib(), each }
    }
}

/// What is read, of so many objects.
fn read(control: &Process, api: SocketAddr, objects: usize, size: &Size) {
    // A connection of its own: one that rests for as long as something else takes is closed.
    let mut client = Client::connect(api);
    measure(control, &format!("get, of {objects}"), size.gets, "0.54", || {
        for number in 0..size.gets {
            // All over what there is.
            let name = number * (objects / size.gets).max(1) % objects;
            assert_eq!(client.get(&format!("{BACKENDS}/b{name}")).status, 200);
        }
    });
    measure(control, &format!("list of 500, of {objects}"), size.lists, "58", || {
        for _ in 0..size.lists {
            assert_eq!(client.get(&format!("{BACKENDS}?limit=500")).status, 200);
        }
    });
}

/// How much is done.
struct Size {
    objects: usize,
    many: usize,
    rounds: usize,
    /// Single reads, and pages of lists.
    gets: usize,
    lists: usize,
    watchers: usize,
    /// Calls of a round of what is compared.
    calls: usize,
}

impl Size {
    fn of_arguments() -> Self {
        let quick = std::env::args().any(|argument| argument == "--quick");
        let part = |count: usize| if quick { count / 100 } else { count };
        Self {
            objects: argument("--objects", part(10_000)),
            many: argument("--many", part(200_000)),
            rounds: argument("--rounds", if quick { 1 } else { 7 }),
            gets: part(10_000),
            lists: part(1_000),
            watchers: part(1_000),
            calls: part(1_000),
        }
    }
}

/// What is done `count` times in a round, and what it is compared with: in turns, so that both meet the same machine.
fn compare(
    control: &Process,
    rounds: usize,
    count: usize,
    names: [&str; 2],
    mut one: impl FnMut(usize),
    mut other: impl FnMut(usize),
) {
    let mut costs: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let timed = |costs: &mut Vec<f64>, work: &mut dyn FnMut(usize), round| {
        let before = control.cpu_seconds();
        work(round);
        #[allow(clippy::cast_precision_loss)]
        costs.push((control.cpu_seconds() - before) / count as f64 * 1e3);
    };
    for round in 0..rounds {
        timed(&mut costs[0], &mut one, round);
        timed(&mut costs[1], &mut other, round);
    }
    let ratios: Vec<f64> = costs[0].iter().zip(&costs[1]).map(|(one, other)| one / other).collect();
    let [name, beside] = names;
    println!(
        "| {name} | {:.3} | {beside} | {:.3} | {:.2} ({:.2} to {:.2}) |",
        median(&costs[0]),
        median(&costs[1]),
        median(&ratios),
        percentile(&ratios, 0.0),
        percentile(&ratios, 100.0)
    );
}

/// Namespaces, which are written once: what is watched is one event each.
fn fan_out(control: &Process, api: SocketAddr, count: usize) {
    const EVENTS: usize = 20;
    const NAMESPACES: &str = "/api/v1/namespaces";
    let mut watchers: Vec<Client> = (0..count).map(|_| Client::connect(api)).collect();
    for watcher in &mut watchers {
        watcher.watch(&format!("{NAMESPACES}?watch=true"));
        // The one that is always there.
        watcher.events(1);
    }
    let mut client = Client::connect(api);
    measure(control, &format!("event to each of {count} watchers"), count * EVENTS, "-", || {
        for number in 0..EVENTS {
            let namespace = format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"n{number}"}}}}"#);
            assert_eq!(client.post(NAMESPACES, &namespace).status, 201);
        }
        watchers.iter_mut().for_each(|watcher| watcher.events(EVENTS));
    });
}

fn create(api: SocketAddr, clients: usize, from: usize, to: usize) {
    std::thread::scope(|scope| {
        for first in 0..clients {
            scope.spawn(move || {
                let mut client = Client::connect(api);
                for number in (from + first..to).step_by(clients) {
                    let answer = client.post(BACKENDS, &backend(&format!("b{number}"), "127.0.0.1"));
                    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
                }
            });
        }
    });
}

fn measure(process: &Process, name: &str, count: usize, peer: &str, work: impl FnOnce()) {
    let (began, before) = (Instant::now(), process.cpu_seconds());
    work();
    let (wall, cpu) = (began.elapsed().as_secs_f64(), process.cpu_seconds() - before);
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    println!("| {name} | {:.3} | {:.0} | {peer} |", cpu / count * 1e3, count / wall);
}

//! Durable creates: what each costs the server, and etcd.
//!
//! A control plane compiles each Backend as well, and writes its status; kube-apiserver only stores it. What a status costs there is
//! measured with clients that write one after each create, as a controller does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::member::Member;
use crate::servers::Server;
use crate::support::backend;

pub const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";

const CLIENTS: usize = 32;

pub fn run(objects: usize) {
    println!("| server | clients | CPU ms | etcd, CPU ms | proposals | calls of etcd | notices | a second |");
    println!("|---|---|---|---|---|---|---|---|");
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let member = Member::start(21700);
    let server = Server::backstay(&member, local(21710), local(21711));
    measure(&member, &server, objects, false);
    drop((server, member));
    let named = std::env::var_os("KUBE_APISERVER").filter(|path| !path.is_empty());
    let Some(program) = named.map(PathBuf::from) else { return };
    let member = Member::start(21700);
    let server = Server::kubernetes(&program, &member, local(21712));
    measure(&member, &server, objects, false);
    measure(&member, &server, objects, true);
}

fn measure(member: &Member, server: &Server, objects: usize, statuses: bool) {
    let single = objects / 5;
    for (clients, from, to) in [(1, 0, single), (CLIENTS, single, objects)] {
        settle(server);
        let (operations, began) = (member.operations(), Instant::now());
        let (own, etcd) = (server.process.cpu_seconds(), member.process.cpu_seconds());
        create(server, clients, from, to, statuses);
        let wall = began.elapsed().as_secs_f64();
        settle(server);
        #[allow(clippy::cast_precision_loss)]
        let count = (to - from) as f64;
        let each = |now: f64, before: f64| (now - before) / count * 1e3;
        println!(
            "| {}{} | {clients} | {:.2} | {:.2} | {} | {:.0} |",
            server.name,
            if statuses { ", and a status by the client" } else { "" },
            each(server.process.cpu_seconds(), own),
            each(member.process.cpu_seconds(), etcd),
            member.operations().each_since(&operations, count),
            count / wall,
        );
    }
}

fn create(server: &Server, clients: usize, from: usize, to: usize, statuses: bool) {
    let prefix = if statuses { "s" } else { "b" };
    std::thread::scope(|scope| {
        for first in 0..clients {
            scope.spawn(move || {
                let mut client = server.connect();
                for number in (from + first..to).step_by(clients) {
                    let answer = client.post(BACKENDS, &backend(&format!("{prefix}{number}"), "127.0.0.1"));
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    assert_eq!(answer.status, 201, "{body}");
                    if statuses {
                        let path = format!("{BACKENDS}/{prefix}{number}/status");
                        let answer = client.put(&path, &with_status(&body));
                        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    }
                }
            });
        }
    });
}

/// The object, with a status of the size of those that a control plane writes.
fn with_status(object: &str) -> String {
    let object = object.trim_end().strip_suffix('}').expect("an object");
    let condition = |kind: &str| {
        format!(
            r#"{{"type":"{kind}","status":"True","observedGeneration":1,"lastTransitionTime":"2026-01-01T00:00:00Z","reason":"{kind}","message":"What is configured is in force with all proxies."}}"#
        )
    };
    format!(r#"{object},"status":{{"conditions":[{},{}]}}}}"#, condition("Accepted"), condition("Programmed"))
}

/// Until the server has nothing to do: its CPU time stands nearly still.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when a server has come to rest, and this thread serves nothing"
)]
fn settle(server: &Server) {
    loop {
        let before = server.process.cpu_seconds();
        std::thread::sleep(Duration::from_millis(500));
        if server.process.cpu_seconds() - before < 0.04 {
            return;
        }
    }
}

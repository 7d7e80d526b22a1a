//! An etcd of one member, on disk, and what it tells of the calls that it gets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;

use crate::support::http::Client;
use crate::support::process::{Process, find};

/// The member.
pub struct Member {
    pub process: Process,
    client: SocketAddr,
    metrics: SocketAddr,
    _folder: tempfile::TempDir,
}

/// What it has done so far.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// Messages that came, by method: of a call that is no stream, one.
    pub received: BTreeMap<String, f64>,
    /// Messages that were sent over watches.
    pub notices: f64,
    /// What was agreed on, among members where there are several: each is written to disk.
    pub proposals: f64,
}

impl Member {
    /// Starts one with this port and the two after it.
    pub fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [client, peer, metrics] = [0, 1, 2].map(|step| SocketAddr::from(([127, 0, 0, 1], port + step)));
        let mut command = Command::new(find("etcd").expect("etcd is needed (Debian: etcd-server)"));
        command.arg("--data-dir").arg(folder.path().join("data")).args([
            format!("--listen-client-urls=http://{client}"),
            format!("--advertise-client-urls=http://{client}"),
            format!("--listen-peer-urls=http://{peer}"),
            format!("--initial-advertise-peer-urls=http://{peer}"),
            format!("--initial-cluster=default=http://{peer}"),
            format!("--listen-metrics-urls=http://{metrics}"),
            "--quota-backend-bytes=8589934592".to_owned(),
            "--log-level=error".to_owned(),
        ]);
        let mut process = Process::spawn_quietly("etcd", &mut command);
        process.wait_for(client);
        process.wait_for(metrics);
        Self { process, client, metrics, _folder: folder }
    }

    /// Where a control plane keeps its store, as `--store` takes it.
    pub fn store(&self) -> String {
        format!("etcd://{}/bench", self.client)
    }

    /// `http://` and its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.client)
    }

    pub fn operations(&self) -> Operations {
        let answer = Client::connect(self.metrics).get("/metrics");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let mut all = Operations::default();
        for line in text.lines() {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let value: f64 = value.parse().unwrap_or_default();
            let method = name.split("grpc_method=\"").nth(1).and_then(|rest| rest.split('"').next());
            match (name.split('{').next().unwrap_or_default(), method) {
                ("etcd_server_proposals_committed_total", _) => all.proposals = value,
                ("grpc_server_msg_received_total", Some(method)) if value > 0.0 => {
                    *all.received.entry(method.to_owned()).or_default() += value;
                }
                ("grpc_server_msg_sent_total", Some("Watch")) => all.notices += value,
                _ => {}
            }
        }
        all
    }
}

impl Operations {
    /// What was done since `before`, for each of `count`.
    pub fn each_since(&self, before: &Self, count: f64) -> String {
        let mut parts = Vec::new();
        for (method, now) in &self.received {
            let each = (now - before.received.get(method).copied().unwrap_or_default()) / count;
            if each >= 0.005 {
                parts.push(format!("{method} {each:.2}"));
            }
        }
        let (proposals, notices) =
            ((self.proposals - before.proposals) / count, (self.notices - before.notices) / count);
        format!("{proposals:.2} | {} | {notices:.2}", parts.join(", "))
    }
}

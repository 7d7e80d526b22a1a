//! The servers that are compared.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the server of this project is controlled, and where it serves; then the same of the peer.
pub const OWN: (SocketAddr, SocketAddr) = (local(21660), local(21661));
const GO: (SocketAddr, SocketAddr) = (local(21670), local(21671));

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

/// A server with its resources, killed when this is dropped.
pub struct Plane {
    pub name: &'static str,
    pub xds: SocketAddr,
    pub type_url: &'static str,
    pub resources: usize,
    control: SocketAddr,
    child: Child,
}

impl Plane {
    /// Those that there are, each started when it is asked for.
    pub fn all(resources: usize) -> impl Iterator<Item = Self> {
        let own = std::env::current_exe().expect("this program");
        let peer = std::env::var_os("GO_CONTROL_PLANE").map(PathBuf::from);
        let own = std::iter::once_with(move || {
            let mut command = Command::new(own);
            command.args([super::serve::MODE, "--resources", &resources.to_string()]);
            Self::start("backstay-xds", &mut command, OWN, resources)
        });
        own.chain(peer.map(move |program| {
            let mut command = Command::new(program);
            command.args(["-count", &resources.to_string()]);
            Self::start("go-control-plane", &mut command, GO, resources)
        }))
    }

    fn start(
        name: &'static str,
        command: &mut Command,
        (control, xds): (SocketAddr, SocketAddr),
        resources: usize,
    ) -> Self {
        command
            .args(["-control", &control.to_string(), "-xds", &xds.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command.spawn().expect("a server");
        let type_url = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
        let plane = Self { name, xds, type_url, resources, control, child };
        let began = Instant::now();
        while TcpStream::connect(control).is_err() || TcpStream::connect(xds).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "{name} does not listen");
            std::thread::yield_now();
        }
        plane
    }

    /// Changes one resource.
    pub fn change(&self) {
        let mut stream = TcpStream::connect(self.control).expect("a connection");
        stream.write_all(b"GET /change HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// CPU seconds used so far, in user and kernel.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Anonymous memory, in KiB.
    pub fn anonymous_kib(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
    }

    /// Until the process has nothing to do: its CPU time stands still.
    pub async fn settle(&self) {
        loop {
            let before = self.cpu_seconds();
            tokio::time::sleep(super::REST).await;
            if self.cpu_seconds() - before < 0.02 {
                return;
            }
        }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! An Envoy that is served by a control plane.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::harness::{Client, ControlPlane, backstay, tools, traffic};

/// A running Envoy, killed when this is dropped.
#[derive(Debug)]
pub(super) struct Envoy {
    child: Child,
    admin: SocketAddr,
    printed: Arc<Mutex<String>>,
    _scratch: tempfile::TempDir,
}

/// What `backstay bootstrap envoy` prints with these options.
pub(super) fn bootstrap(options: &[&str]) -> String {
    let printed = backstay([&["bootstrap", "envoy"], options].concat());
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    String::from_utf8(printed.stdout).unwrap()
}

/// What `envoy --mode validate` says of a file.
pub(super) fn validate(binary: &Path, file: &Path) -> Output {
    let mut command = Command::new(binary);
    command.args(["--mode", "validate", "--disable-hot-restart", "-l", "warn", "-c"]).arg(file);
    command.output().unwrap()
}

impl Envoy {
    /// Starts one, by the bootstrap that the command prints with `more` options. `None`, aloud, where there is no Envoy.
    pub(super) fn start(control_plane: &ControlPlane, more: &[&str]) -> Option<Self> {
        Self::start_with(control_plane, more, |text| text)
    }

    /// The same with a bootstrap that somebody has changed.
    pub(super) fn start_with(
        control_plane: &ControlPlane,
        more: &[&str],
        change: impl FnOnce(String) -> String,
    ) -> Option<Self> {
        let binary: PathBuf = tools::envoy()?;
        let scratch = tempfile::tempdir().unwrap();
        let xds = control_plane.xds().to_string();
        let text = bootstrap(&[&["--xds", &xds, "--admin", "127.0.0.1:1"], more].concat());
        // Its own interface is where the system has room, which the command cannot ask for.
        let text = text.replace(r#""port_value":1}"#, r#""port_value":0}"#);
        let file = scratch.path().join("envoy.yaml");
        std::fs::write(&file, change(text)).unwrap();
        let admin_file = scratch.path().join("admin");
        let mut command = Command::new(binary);
        command.args(["--concurrency", "2", "--disable-hot-restart", "--drain-time-s", "5", "-l", "info"]);
        command.arg("--admin-address-path").arg(&admin_file).arg("-c").arg(&file);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let printed = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&printed);
        let note = move |line: &str| {
            let mut printed = into.lock().unwrap();
            printed.push_str(line);
            printed.push('\n');
        };
        for line in lines.by_ref() {
            note(&line);
            if line.contains("starting main dispatch loop") {
                break;
            }
        }
        // A pipe that nobody reads would block it one day.
        std::thread::spawn(move || lines.for_each(|line| note(&line)));
        let admin = std::fs::read_to_string(admin_file).unwrap_or_else(|_| panic!("{}", printed.lock().unwrap()));
        Some(Self { child, admin: admin.trim().parse().unwrap(), printed, _scratch: scratch })
    }

    /// Waits until it takes traffic: all that it was to have at its start is there.
    pub(super) async fn ready(&self) {
        traffic::until("Envoy is ready", || async {
            let answer = Client::new().get(self.admin, "localhost", "/ready").await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }

    /// Its counters.
    pub(super) async fn stats(&self) -> BTreeMap<String, u64> {
        let answer = Client::new().get(self.admin, "localhost", "/stats?type=Counters").await.unwrap();
        let text = answer.text();
        let lines = text.lines().filter_map(|line| line.rsplit_once(": "));
        lines.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }

    /// What it holds.
    pub(super) async fn config(&self) -> Value {
        let answer = Client::new().get(self.admin, "localhost", "/config_dump").await.unwrap();
        answer.json()
    }

    /// Fails the test if it has refused anything, or has waited for something in vain.
    pub(super) async fn assert_content(&self) {
        let stats = self.stats().await;
        let is_bad = |name: &str| ["update_rejected", "init_fetch_timeout"].iter().any(|end| name.ends_with(end));
        let bad: Vec<_> = stats.iter().filter(|(name, count)| is_bad(name) && **count > 0).collect();
        assert!(bad.is_empty(), "{bad:?}\n{}", self.printed.lock().unwrap());
    }

    /// How often it has refused something.
    pub(super) async fn refusals(&self) -> u64 {
        self.stats().await.iter().filter(|(name, _)| name.ends_with("update_rejected")).map(|(_, count)| count).sum()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- Envoy printed:\n{}---", self.printed.lock().unwrap());
        }
    }
}

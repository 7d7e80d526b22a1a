//! The `backstay` command as real processes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

use super::{PATIENCE, Rest};

/// The program: that of this build, or of another that `BACKSTAY_PROGRAM` names, such as a release.
fn program() -> OsString {
    std::env::var_os("BACKSTAY_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_backstay").into())
}

/// The command, with nothing of the environment that would change what it does.
fn command() -> Command {
    plain(Command::new(program()))
}

fn plain(mut command: Command) -> Command {
    for name in ["BACKSTAY_SERVER", "BACKSTAY_CA", "BACKSTAY_TOKEN_FILE", "KUBECONFIG", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Runs the command to its end. One that does not end is ended, and exits with 124.
pub fn backstay<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    let mut timed = Command::new("timeout");
    timed.arg(PATIENCE.as_secs().to_string()).arg(program());
    plain(timed).args(arguments).output().unwrap()
}

/// A running command. It is killed when this is dropped; what it printed is shown when the test fails.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    lines: Receiver<String>,
    printed: Arc<Mutex<String>>,
    /// Where it writes its addresses.
    addresses: PathBuf,
    _scratch: tempfile::TempDir,
}

impl Process {
    fn start(name: &str, arguments: &[&OsStr]) -> Self {
        Self::start_from(command(), name, arguments)
    }

    /// Starts one whose working directory is `directory`.
    fn start_at(directory: &Path, name: &str, arguments: &[&OsStr]) -> Self {
        let mut command = command();
        command.current_dir(directory);
        Self::start_from(command, name, arguments)
    }

    fn start_from(mut command: Command, name: &str, arguments: &[&OsStr]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let addresses = scratch.path().join("addresses.json");
        command.arg(name).args(arguments).arg("--address-file").arg(&addresses);
        Self::spawn(command, name, addresses, scratch)
    }

    /// Starts any command, which has said nothing of where it listens.
    pub fn of(command: Command, name: &str, environment: &BTreeMap<String, String>) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = plain(command);
        command.envs(environment);
        Self::spawn(command, name, scratch.path().join("none"), scratch)
    }

    fn spawn(mut command: Command, name: &str, addresses: PathBuf, scratch: tempfile::TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = channel();
        follow(child.stdout.take().unwrap(), Arc::clone(&printed), sender.clone());
        follow(child.stderr.take().unwrap(), Arc::clone(&printed), sender);
        Self { child, name: name.to_owned(), lines, printed, addresses, _scratch: scratch }
    }

    /// Waits for a line that contains `text`, after those that were waited for before.
    pub fn wait_for_line(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(error) => panic!("{} did not print {text:?} ({error}); it printed:\n{}", self.name, self.printed()),
            }
        }
    }

    /// An address that it listens on, `api` or `xds`, once it has said that it does.
    pub fn address(&self, name: &str) -> SocketAddr {
        let text = std::fs::read_to_string(&self.addresses).unwrap();
        let addresses: Value = serde_json::from_str(&text).unwrap();
        addresses[name].as_str().unwrap().parse().unwrap()
    }

    /// What it printed so far, on both outputs.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        // Its outputs close when the process ends, which is an event; the state of a child is not.
        let deadline = Instant::now() + PATIENCE;
        while self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < deadline, "{} did not end; it printed:\n{}", self.name, self.printed());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {} printed:\n{}---", self.name, self.printed());
        }
    }
}

/// Reads lines on a thread of its own, so that the process never blocks on a full pipe.
fn follow(output: impl Read + Send + 'static, printed: Arc<Mutex<String>>, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut printed = printed.lock().unwrap();
            printed.push_str(&line);
            printed.push('\n');
            drop(printed);
            // Nobody waits for lines after the test.
            let _ = lines.send(line);
        }
    });
}

/// A running `backstay control-plane`.
#[derive(Debug)]
pub struct ControlPlane {
    pub process: Process,
    api: SocketAddr,
    xds: SocketAddr,
    data_dir: PathBuf,
    /// Further arguments.
    more: Vec<String>,
    /// Where the store is not to outlive the test.
    _scratch: Option<tempfile::TempDir>,
}

impl ControlPlane {
    /// Starts one on ports and with a store of its own.
    pub fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let started = Self::start_in(scratch.path());
        Self { _scratch: Some(scratch), ..started }
    }

    /// Starts one on ports and with a store of its own, and with further arguments.
    pub fn start_with(more: &[&str]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let started = Self::start_in_with(scratch.path(), more);
        Self { _scratch: Some(scratch), ..started }
    }

    /// Starts one on ports of its own, with its store in `data_dir`.
    pub fn start_in(data_dir: &Path) -> Self {
        Self::start_in_with(data_dir, &[])
    }

    /// Starts one on ports of its own, with its store on etcd. Does not wait until it answers: etcd may be away.
    pub fn begin_on(store: &str) -> Process {
        Self::begin_on_at(store, "127.0.0.1:0", "127.0.0.1:0", &[])
    }

    /// The same, with further arguments.
    pub fn begin_on_with(store: &str, more: &[&str]) -> Process {
        let usual = ["--api", "127.0.0.1:0", "--xds", "127.0.0.1:0", "--store", store];
        let arguments: Vec<&OsStr> = usual.iter().chain(more).map(OsStr::new).collect();
        Process::start("control-plane", &arguments)
    }

    /// The same on addresses, with more in its environment.
    pub fn begin_on_at(store: &str, api: &str, xds: &str, environment: &[(&str, OsString)]) -> Process {
        let mut command = command();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let arguments = ["--api", api, "--xds", xds, "--store", store].map(OsStr::new);
        Process::start_from(command, "control-plane", &arguments)
    }

    /// Starts one on ports of its own, with its store in `data_dir`, and with further arguments.
    pub fn start_in_with(data_dir: &Path, more: &[&str]) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let more: Vec<_> = more.iter().map(|&argument| argument.to_owned()).collect();
        let (process, api, xds) = Self::spawn(data_dir, any, any, &more);
        Self { process, api, xds, data_dir: data_dir.to_owned(), more, _scratch: None }
    }

    fn spawn(data_dir: &Path, api: SocketAddr, xds: SocketAddr, more: &[String]) -> (Process, SocketAddr, SocketAddr) {
        let (api, xds) = (api.to_string(), xds.to_string());
        let mut addresses = ["--api", api.as_str(), "--xds", xds.as_str(), "--data-dir"].map(OsStr::new).to_vec();
        if more.iter().any(|argument| argument == "--xds") {
            addresses.drain(2..4);
        }
        let more: Vec<&OsStr> = more.iter().map(OsStr::new).collect();
        let process = Process::start("control-plane", &[&addresses[..], &[data_dir.as_os_str()], &more].concat());
        process.wait_for_line("API on");
        let (api, xds) = (process.address("api"), process.address("xds"));
        (process, api, xds)
    }

    /// Kills it and starts it again, on the same addresses and the same store.
    pub fn kill_and_restart(&mut self) {
        self.process.kill();
        self.restart();
    }

    /// Starts it again after it ended, on the same addresses and the same store.
    pub fn restart(&mut self) {
        (self.process, _, _) = Self::spawn(&self.data_dir, self.api, self.xds, &self.more);
    }

    /// Address of its API.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Address that proxies connect to.
    pub fn xds(&self) -> SocketAddr {
        self.xds
    }

    /// A client of its API.
    pub fn rest(&self) -> Rest {
        Rest::new(self.api)
    }

    /// `http://` and the address of its API, for `--server`.
    pub fn server(&self) -> String {
        format!("http://{}", self.api)
    }
}

/// A running `backstay proxy`.
#[derive(Debug)]
pub struct Proxy {
    pub process: Process,
    pub admin: SocketAddr,
}

impl Proxy {
    /// Starts one of the fleet `default`, without a state directory.
    pub fn start(xds: SocketAddr) -> Self {
        Self::start_with(xds, &[])
    }

    /// Starts one with further arguments.
    pub fn start_with(xds: SocketAddr, more: &[&str]) -> Self {
        Self::start_from(command(), xds, more)
    }

    /// Starts one on a system that trusts the authorities in this file.
    pub fn start_trusting(authorities: &Path, xds: SocketAddr, more: &[&str]) -> Self {
        let mut command = command();
        command.env("SSL_CERT_FILE", authorities).env_remove("SSL_CERT_DIR");
        Self::start_from(command, xds, more)
    }

    fn start_from(command: Command, xds: SocketAddr, more: &[&str]) -> Self {
        let control_plane = format!("http://{xds}");
        let mut arguments: Vec<&OsStr> = Vec::new();
        for (option, usual) in
            [("--control-plane", control_plane.as_str()), ("--admin", "127.0.0.1:0"), ("--threads", "2")]
        {
            if !more.contains(&option) {
                arguments.extend([option.as_ref() as &OsStr, usual.as_ref()]);
            }
        }
        arguments.extend(more.iter().map(AsRef::<OsStr>::as_ref));
        let process = Process::start_from(command, "proxy", &arguments);
        process.wait_for_line("Admin endpoint on");
        let admin = process.address("admin");
        Self { process, admin }
    }
}

/// A running `backstay relay`.
#[derive(Debug)]
pub struct Relay {
    pub process: Process,
    pub api: SocketAddr,
    pub xds: SocketAddr,
}

impl Relay {
    /// Starts one of the fleet `default`, with its state in `state_dir`, on these addresses, of which a port of 0 is any.
    pub fn start(control_plane: SocketAddr, state_dir: &Path, [api, xds]: [SocketAddr; 2], more: &[&str]) -> Self {
        let (control_plane, api, xds) = (format!("http://{control_plane}"), api.to_string(), xds.to_string());
        let state_dir = state_dir.to_str().unwrap();
        let usual = ["--control-plane", &control_plane, "--state-dir", state_dir, "--api", &api, "--xds", &xds];
        let arguments: Vec<&OsStr> = usual.iter().chain(more).map(AsRef::as_ref).collect();
        let process = Process::start("relay", &arguments);
        process.wait_for_line("API on");
        let (api, xds) = (process.address("api"), process.address("xds"));
        Self { process, api, xds }
    }
}

/// A running `backstay dev`.
#[derive(Debug)]
pub struct Dev {
    pub process: Process,
    pub api: SocketAddr,
    pub admin: SocketAddr,
}

impl Dev {
    /// Starts one with its data in `data_dir` and further arguments, and waits until it says what to try.
    pub fn start(data_dir: &Path, more: &[&str]) -> Self {
        Self::start_at(Path::new("."), data_dir, more)
    }

    /// The same in a working directory.
    pub fn start_at(directory: &Path, data_dir: &Path, more: &[&str]) -> Self {
        let mut arguments: Vec<&OsStr> = vec!["--data-dir".as_ref(), data_dir.as_os_str()];
        for option in ["--api", "--xds", "--admin"] {
            if !more.contains(&option) {
                arguments.extend([option.as_ref(), OsStr::new("127.0.0.1:0")]);
            }
        }
        arguments.extend(more.iter().map(AsRef::<OsStr>::as_ref));
        let process = Process::start_at(directory, "dev", &arguments);
        process.wait_for_line("Ctrl-C");
        let (api, admin) = (process.address("api"), process.address("admin"));
        Self { process, api, admin }
    }

    /// A client of its API.
    pub fn rest(&self) -> Rest {
        Rest::new(self.api)
    }
}

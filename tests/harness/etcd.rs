//! etcd, as processes of the test that needs it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use tempfile::TempDir;

use super::port;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Room for the largest commits of the suite.
const GENEROUS: [&str; 4] =
    ["--max-txn-ops=20000", "--max-request-bytes=67108864", "--quota-backend-bytes=4294967296", "--log-level=error"];

/// The program, if it is there. Its absence is said aloud, and is a failure where `BACKSTAY_REQUIRE_TOOLS` is set.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("BACKSTAY_ETCD").map(PathBuf::from);
    let found = named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("etcd")).find(|program| program.is_file())
    });
    if found.is_none() {
        let required =
            std::env::var_os("BACKSTAY_REQUIRE_TOOLS").is_some_and(|value| !value.is_empty() && value != "0");
        assert!(!required, "there is no etcd");
        eprintln!("SKIPPED: what is tested with etcd: there is none in PATH, and BACKSTAY_ETCD names none");
    }
    found
}

/// Runs what waits for processes, in a test whose runtime has threads for others.
#[allow(clippy::disallowed_methods, reason = "no test of the request path runs on this runtime")]
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Members of one cluster.
#[derive(Debug)]
pub struct Cluster {
    members: Vec<Member>,
    // Before the folder that they are in.
    disks: Vec<Disk>,
    directory: TempDir,
}

#[derive(Debug)]
struct Member {
    client: SocketAddr,
    /// Where it tells how it is.
    metrics: SocketAddr,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Cluster {
    /// Starts members that take large commits, and waits until each answers.
    pub fn of(size: usize) -> Self {
        Self::with(size, &GENEROUS)
    }

    /// Starts members with further arguments, and waits until each answers.
    pub fn with(size: usize, more: &[&str]) -> Self {
        Self::speaking("http", size, more)
    }

    /// Starts members that take large commits, each on a disk of its own that can be filled up. Where this user may not mount one,
    /// [`Cluster::fill`] says so.
    pub fn on_disks(size: usize) -> Self {
        let directory = TempDir::new_in(memory()).unwrap();
        let disks = (0..size).map_while(|index| Disk::mount(directory.path().join(index.to_string()))).collect();
        // What is not needed any more is removed sooner than usual.
        let more = [&GENEROUS[..], &["--max-wals=1", "--max-snapshots=1", "--snapshot-count=2000"]].concat();
        Self::inside(directory, disks, "http", size, &more)
    }

    /// Starts members that their clients reach over `scheme`.
    pub fn speaking(scheme: &str, size: usize, more: &[&str]) -> Self {
        Self::inside(TempDir::new_in(memory()).unwrap(), Vec::new(), scheme, size, more)
    }

    fn inside(directory: TempDir, disks: Vec<Disk>, scheme: &str, size: usize, more: &[&str]) -> Self {
        let addresses: Vec<_> = (0..size).map(|_| (free(), free(), free())).collect();
        let initial: Vec<_> =
            addresses.iter().enumerate().map(|(index, (_, peer, _))| format!("m{index}=http://{peer}")).collect();
        let members = addresses.iter().enumerate().map(|(index, (client, peer, metrics))| {
            let mut arguments = vec![
                format!("--name=m{index}"),
                format!("--data-dir={}", directory.path().join(index.to_string()).display()),
                format!("--listen-client-urls={scheme}://{client}"),
                format!("--advertise-client-urls={scheme}://{client}"),
                format!("--listen-metrics-urls=http://{metrics}"),
                format!("--listen-peer-urls=http://{peer}"),
                format!("--initial-advertise-peer-urls=http://{peer}"),
                format!("--initial-cluster={}", initial.join(",")),
            ];
            arguments.extend(more.iter().map(|&argument| argument.to_owned()));
            Member { client: *client, metrics: *metrics, arguments, process: None }
        });
        let mut cluster = Self { members: members.collect(), disks, directory };
        for index in 0..size {
            cluster.launch(index);
        }
        for index in 0..size {
            cluster.wait(index);
        }
        cluster
    }

    /// `HOST:PORT` of each member.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.client.to_string()).collect()
    }

    /// Starts a member again.
    pub fn start(&mut self, index: usize) {
        self.launch(index);
        self.wait(index);
    }

    /// Ends a member as a power cut would.
    pub fn kill(&mut self, index: usize) {
        if let Some(mut process) = self.members[index].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Fills up the disk of a member. False where it has none of its own.
    pub fn fill(&self, index: usize) -> bool {
        self.disks.get(index).is_some_and(Disk::fill)
    }

    /// Makes room on the disk of a member again, and starts the member anew, which has ended because there was none.
    pub fn make_room(&mut self, index: usize) {
        if let Some(mut process) = self.members[index].process.take() {
            let deadline = Instant::now() + PATIENCE;
            while process.try_wait().unwrap().is_none() {
                assert!(Instant::now() < deadline, "a member goes on without room");
                std::thread::yield_now();
            }
        }
        if let Some(disk) = self.disks.get(index) {
            disk.make_room();
        }
        self.start(index);
    }

    /// Sends a signal, such as STOP.
    pub fn signal(&self, index: usize, signal: &str) {
        let process = self.members[index].process.as_ref().unwrap();
        let status = Command::new("kill").args([format!("-{signal}"), process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The member that leads, as each says of itself.
    pub fn leader(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "no member leads");
            let leads = |member: &Member| {
                member.process.is_some()
                    && get(member.metrics, "/metrics").is_some_and(|text| text.contains("\netcd_server_is_leader 1"))
            };
            if let Some(index) = self.members.iter().position(leads) {
                return index;
            }
        }
    }

    /// What a member tells of itself.
    pub fn metrics(&self, index: usize) -> String {
        get(self.members[index].metrics, "/metrics").unwrap_or_default()
    }

    /// The revision a member is at, unless it is away or hangs.
    pub fn revision(&self, index: usize) -> Option<u64> {
        let text = self.metrics(index);
        let value = text.lines().find_map(|line| line.strip_prefix("etcd_debugging_mvcc_current_revision "))?;
        // Written as a floating-point number once it is large.
        value.parse::<f64>().ok().map(|value| value as u64)
    }

    /// Ends all leases, over etcd's JSON gateway.
    pub fn revoke_leases(&self, index: usize) {
        let client = self.members[index].client;
        let all = post(client, "/v3/lease/leases", "{}").unwrap();
        for id in all.split("\"ID\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            post(client, "/v3/lease/revoke", &format!("{{\"ID\":\"{id}\"}}")).unwrap();
        }
    }

    /// Writes a key, as others do who use the same cluster.
    pub fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        let text = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let body = format!("{{\"key\":\"{}\",\"value\":\"{}\"}}", text(key.as_bytes()), text(value.as_ref()));
        let answer = post(self.members[0].client, "/v3/kv/put", &body).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }

    /// What is kept under a key, over etcd's JSON gateway. Nothing where there is no such key.
    pub fn kept(&self, key: &str) -> Vec<u8> {
        let text = base64::engine::general_purpose::STANDARD.encode(key);
        let answer = post(self.members[0].client, "/v3/kv/range", &format!("{{\"key\":\"{text}\"}}")).unwrap();
        let value = answer.split("\"value\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        base64::engine::general_purpose::STANDARD.decode(value).unwrap()
    }

    /// Has the cluster ask for a login: of `root`, and of `user` who may read and write below `prefix`. Both have the password `secret`.
    pub fn require_login(&self, user: &str, prefix: &str) {
        let client = self.members[0].client;
        // Keys are in Base64 here; the end of the range is the prefix with its last character one higher.
        let key = |text: &[u8]| base64::engine::general_purpose::STANDARD.encode(text);
        let mut end = prefix.as_bytes().to_vec();
        *end.last_mut().unwrap() += 1;
        let (from, to) = (key(prefix.as_bytes()), key(&end));
        for (path, body) in [
            ("user/add", "{\"name\":\"root\",\"password\":\"secret\"}".to_owned()),
            ("user/grant", "{\"user\":\"root\",\"role\":\"root\"}".to_owned()),
            ("user/add", format!("{{\"name\":\"{user}\",\"password\":\"secret\"}}")),
            ("role/add", "{\"name\":\"own\"}".to_owned()),
            (
                "role/grant",
                format!(
                    "{{\"name\":\"own\",\"perm\":{{\"permType\":\"READWRITE\",\"key\":\"{from}\",\"range_end\":\"{to}\"}}}}"
                ),
            ),
            ("user/grant", format!("{{\"user\":\"{user}\",\"role\":\"own\"}}")),
            ("enable", "{}".to_owned()),
        ] {
            let answer = post(client, &format!("/v3/auth/{path}"), &body).unwrap();
            assert!(answer.contains(" 200 "), "{path}: {answer}");
        }
    }

    /// Ends a member, and starts it with nothing.
    pub fn set_back(&mut self, index: usize) {
        self.kill(index);
        std::fs::remove_dir_all(self.directory.path().join(index.to_string())).unwrap();
        self.start(index);
    }

    fn launch(&mut self, index: usize) {
        let member = &mut self.members[index];
        let mut command = Command::new(program().unwrap());
        command.args(&member.arguments).stdout(Stdio::null()).stderr(Stdio::null());
        // On a processor that etcd does not know it asks for this.
        command.env("ETCD_UNSUPPORTED_ARCH", std::env::consts::ARCH.replace("aarch64", "arm64"));
        member.process = Some(command.spawn().unwrap());
    }

    fn wait(&mut self, index: usize) {
        let Member { metrics, process, arguments, .. } = &mut self.members[index];
        let deadline = Instant::now() + PATIENCE;
        while !get(*metrics, "/health").is_some_and(|answer| answer.contains("\"true\"")) {
            let ended = process.as_mut().and_then(|process| process.try_wait().unwrap());
            assert!(ended.is_none(), "etcd ended with {ended:?}: {arguments:?}");
            assert!(Instant::now() < deadline, "etcd does not answer: {arguments:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for index in 0..self.members.len() {
            self.kill(index);
        }
    }
}

/// A file system of a member alone.
#[derive(Debug)]
struct Disk(PathBuf);

impl Disk {
    /// Room for what members set aside: three logs of 64 MiB and one that is being made, and what they keep.
    const OPTIONS: &str = "size=512m,mode=0700";

    /// Nothing where this user may not mount.
    fn mount(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", Self::OPTIONS, "tmpfs"]).arg(&folder).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn fill(&self) -> bool {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        // Down to the last page.
        let page = [1; 4096];
        while file.write_all(&page).is_ok() {}
        true
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever is still in it is about to end.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// A folder in memory where there is one: what is promised of the disk is etcd's to keep.
fn memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

/// Not one that the system gives to whoever connects meanwhile.
fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port::free()))
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    exchange(address, &format!("GET {path} HTTP/1.0\r\n\r\n"))
}

fn post(address: SocketAddr, path: &str, body: &str) -> Option<String> {
    exchange(address, &format!("POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn exchange(address: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

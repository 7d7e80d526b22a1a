//! What this process uses, under the names that client libraries of Prometheus have for it.

use std::fs;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// How files are opened: whoever keeps descriptors back for when there are no others gives one for this.
pub trait Opening {
    /// What `open` opens, which may be called again.
    ///
    /// # Errors
    /// Those of `open`.
    fn opening<T>(&self, open: impl FnMut() -> io::Result<T>) -> io::Result<T>;
}

/// Opens files with the descriptors that there are.
#[derive(Clone, Copy, Debug)]
pub struct Plainly;

impl Opening for Plainly {
    fn opening<T>(&self, mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        open()
    }
}

/// What this process uses. What the system does not tell is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Open file descriptors, without those that are kept back.
    pub open_files: Option<usize>,
    /// How many there may be.
    pub max_files: Option<u64>,
    /// Bytes of memory in use.
    pub resident: Option<u64>,
    /// Seconds of processor time, of all threads.
    pub cpu: f64,
    /// When the process started, in seconds since 1970.
    pub started: Option<f64>,
}

impl Usage {
    /// What is in use now.
    #[must_use]
    pub fn read(files: &impl Opening) -> Self {
        let read = |path| files.opening(|| fs::read_to_string(path)).ok();
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            // The directory's own descriptor is among them.
            open_files: files.opening(open_files).ok().map(|open| open.saturating_sub(1)),
            max_files: getrlimit(Resource::Nofile).current,
            resident: read("/proc/self/statm").and_then(|statm| resident(&statm)),
            cpu: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            started: read("/proc/self/stat").and_then(|stat| started(&stat)),
        }
    }
}

fn open_files() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// The second number of `/proc/self/statm`, which counts pages.
fn resident(statm: &str) -> Option<u64> {
    Some(statm.split(' ').nth(1)?.parse::<u64>().ok()? * page_size() as u64)
}

/// From the 22nd field of `/proc/self/stat`, in ticks since the machine was started. The second, in parentheses, may hold anything.
fn started(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let since_boot = clock_gettime(ClockId::Boottime);
    let age =
        since_boot.tv_sec as f64 + since_boot.tv_nsec as f64 / 1e9 - ticks as f64 / clock_ticks_per_second() as f64;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    Some(now - age)
}

//! What the DNS caches know, on disk, so that a proxy that restarts reaches known hosts while DNS is away.
//!
//! One file of lines, replaced as a whole: the name of a backend, a tab, and a host ([`Remembered`]).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backstay_dns_cache::Remembered;
use tokio::sync::watch;

use crate::counts::ControlMetrics;
use crate::state::replace;

#[cfg(test)]
mod tests;

const FILE: &str = "dns-cache";
/// Far above what caches hold: a line has at most some thousand bytes.
const MAX_BYTES: u64 = 256 << 20;
/// How old what is on disk may be.
const EVERY: Duration = Duration::from_secs(10);

/// Where the hosts of the DNS caches are kept.
#[derive(Clone, Debug)]
pub(crate) struct HostsFile {
    directory: PathBuf,
    metrics: Arc<ControlMetrics>,
}

impl HostsFile {
    /// In a directory that is there.
    pub(crate) fn new(directory: &Path, metrics: &Arc<ControlMetrics>) -> Self {
        Self { directory: directory.to_owned(), metrics: Arc::clone(metrics) }
    }

    /// The hosts kept, by backend. What cannot be read is left out, with a warning: it is asked for again.
    pub(crate) fn load(&self) -> HashMap<Arc<str>, Vec<Remembered>> {
        let path = self.directory.join(FILE);
        let mut text = String::new();
        match File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return HashMap::new(),
            Err(error) => {
                self.metrics.state_failures.load_names.increment(1);
                tracing::warn!(path = %path.display(), %error, "the DNS cache kept on disk cannot be read");
                return HashMap::new();
            }
        }
        let mut hosts: HashMap<Arc<str>, Vec<Remembered>> = HashMap::new();
        let mut bad = 0_usize;
        for (number, line) in text.lines().enumerate() {
            let parsed = line.split_once('\t').map(|(backend, host)| (backend, host.parse::<Remembered>()));
            match parsed {
                Some((backend, Ok(host))) => hosts.entry(backend.into()).or_default().push(host),
                _ => {
                    // One is shown, the others are counted: a file can be damaged from end to end.
                    if bad == 0 {
                        tracing::warn!(path = %path.display(), line = number + 1, "a line of the DNS cache kept on disk is damaged");
                    }
                    bad += 1;
                }
            }
        }
        if bad > 0 {
            self.metrics.state_failures.load_names.increment(1);
            tracing::warn!(path = %path.display(), skipped = bad, "damaged lines of the DNS cache kept on disk were skipped");
        }
        hosts
    }

    fn exists(&self) -> bool {
        self.directory.join(FILE).exists()
    }

    fn store(&self, text: &str) -> io::Result<()> {
        replace(&self.directory, FILE, &[text.as_bytes()])
    }
}

fn lines(hosts: &[(Arc<str>, Vec<Remembered>)]) -> String {
    let mut text = String::new();
    for (backend, hosts) in hosts {
        for host in hosts {
            // To a string, which does not fail.
            let _ = writeln!(text, "{backend}\t{host}");
        }
    }
    text
}

/// Hosts in DNS caches, by backend.
type Hosts = Vec<(Arc<str>, Vec<Remembered>)>;

/// Keeps on disk what `known` says that the DNS caches know, until `until` ends; what they know then is written last.
pub(crate) async fn keep(file: HostsFile, known: impl Fn() -> Hosts, mut until: watch::Receiver<u64>) {
    // Where nothing was ever known, no file appears.
    let mut written: Option<Arc<str>> = (!file.exists()).then(|| "".into());
    loop {
        let over = tokio::time::timeout(EVERY, async { while until.changed().await.is_ok() {} }).await.is_ok();
        let hosts = known();
        let (here, before) = (file.clone(), written.clone());
        // Formatting many hosts and writing them takes longer than this thread may be held up.
        let stored = tokio::task::spawn_blocking(move || {
            let text = lines(&hosts);
            if before.as_deref() != Some(text.as_str()) {
                here.store(&text)?;
            }
            Ok::<_, io::Error>(text)
        });
        let error = match stored.await {
            Ok(Ok(text)) => {
                written = Some(text.into());
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = error {
            file.metrics.state_failures.store_names.increment(1);
            tracing::error!(%error, "the DNS cache could not be kept on disk");
        }
        if over {
            return;
        }
    }
}

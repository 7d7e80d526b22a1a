use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use backstay_dns_cache::Remembered;

use super::{FILE, HostsFile, lines};
use crate::counts::ControlMetrics;

fn host(name: &str) -> Remembered {
    Remembered {
        host: name.into(),
        addresses: vec!["10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        ttl: Duration::from_secs(60),
        expires: UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    }
}

#[test]
fn what_is_written_is_read_and_bad_lines_are_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = Arc::<ControlMetrics>::default();
    let failures = || metrics.state_failures.load_names.get();
    let file = HostsFile::new(directory.path(), &metrics);
    assert!(file.load().is_empty());
    assert_eq!(failures(), 0, "there was nothing yet");
    let hosts = [("backend/a".into(), vec![host("a.example:80"), host("b.example:443")]), ("backend/b".into(), vec![])];
    let text = lines(&hosts);
    assert!(text.starts_with("backend/a\ta.example:80|1800000000|60|10.0.0.1,2001:db8::1\n"), "{text}");
    file.store(&text).unwrap();
    assert_eq!(file.load()["backend/a"], hosts[0].1);

    let damaged = format!("nonsense\nbackend/a\t|||\n{text}backend/c\tc.example:80|x|60|10.0.0.1\nbackend/a\ta.exam");
    std::fs::write(directory.path().join(FILE), damaged).unwrap();
    let loaded = file.load();
    assert_eq!((loaded.len(), &loaded["backend/a"]), (1, &hosts[0].1));
    assert_eq!(failures(), 1, "a file, not a line");

    std::fs::write(directory.path().join(FILE), b"\xff\xfe\x00").unwrap();
    assert!(file.load().is_empty());
    assert_eq!(failures(), 2);
}

//! The access log as an operator has it: in a file that may be moved, on a disk that may be full.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use backstay_proxy::{AccessLog, Options, Proxy};
use serde_json::Value;

use super::metrics::read;
use super::plane::{ControlPlane, free_port};
use super::traffic::{Upstream, get};
use super::{acknowledged, all, options};

/// Whole lines in a file, if it is there.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a file has this many lines.
async fn until_lines(path: &Path, count: usize) -> Vec<Value> {
    let looks = async {
        loop {
            let lines = lines(path);
            if lines.len() >= count {
                return lines;
            }
            tokio::task::yield_now().await;
        }
    };
    // Only ends a test that would otherwise hang.
    tokio::time::timeout(std::time::Duration::from_secs(30), looks).await.unwrap()
}

/// A proxy that logs to `path`, and the port that it serves.
async fn logging(path: &Path, upstream: &Upstream, plane: &mut ControlPlane) -> (Proxy, u16) {
    let listen = free_port();
    let options = Options { access_log: AccessLog::File(path.to_owned()), ..options(Some(plane.address)) };
    let proxy = Proxy::start(options).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(plane, 1).await;
    (proxy, listen)
}

#[tokio::test]
async fn the_log_outlives_a_full_disk_and_goes_on_where_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let (path, roomy) = (directory.path().join("access.log"), directory.path().join("roomy"));
    symlink("/dev/full", &path).unwrap();
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let mut plane = ControlPlane::start().await;
    let (proxy, listen) = logging(&path, &upstream, &mut plane).await;
    assert_eq!(get(listen, "any.example", "/while-it-is-full").await.0, 200);
    while read(&proxy, "/metrics").await.value("backstay_access_log_failures_total", &[]) == 0.0 {}
    fs::remove_file(&path).unwrap();
    symlink(&roomy, &path).unwrap();
    proxy.reopen_access_log();
    let lines = until_lines(&roomy, 1).await;
    assert_eq!(lines[0]["path"], "/while-it-is-full", "what there was room for in memory is not lost");
    assert_eq!(get(listen, "any.example", "/afterwards").await.0, 200);
    assert_eq!(until_lines(&roomy, 2).await[1]["path"], "/afterwards");
    let lost = |cause| [("cause", cause)];
    let exposition = read(&proxy, "/metrics").await;
    assert_eq!(exposition.value("backstay_access_log_dropped_total", &lost("write")), 0.0);
    assert_eq!(exposition.value("backstay_access_log_dropped_total", &lost("queue")), 0.0);
    proxy.shutdown().await;
}

#[tokio::test]
async fn a_rotated_log_goes_on_in_a_new_file_and_its_last_lines_are_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (path, rotated) = (directory.path().join("access.log"), directory.path().join("access.log.1"));
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let mut plane = ControlPlane::start().await;
    let (proxy, listen) = logging(&path, &upstream, &mut plane).await;
    assert_eq!(get(listen, "any.example", "/before").await.0, 200);
    until_lines(&path, 1).await;
    fs::rename(&path, &rotated).unwrap();
    proxy.reopen_access_log();
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(listen, "any.example", "/after").await.0, 200);
    // Without a wait: the proxy does not end before its last line is written.
    proxy.shutdown().await;
    let paths = |file| lines(file).iter().map(|line| line["path"].clone()).collect::<Vec<_>>();
    assert_eq!((paths(&rotated), paths(&path)), (vec!["/before".into()], vec!["/after".into()]));
}

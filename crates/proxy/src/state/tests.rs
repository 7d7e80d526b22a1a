use std::fs;
use std::sync::Arc;
use std::time::Duration;

use backstay_xds::client::Update;
use tokio::sync::watch;

use super::{StateError, StateFile, StateLock};
use crate::counts::ControlMetrics;

fn update(name: &str, value: &'static [u8]) -> Update {
    Update { name: name.into(), version: format!("version of {name}").into(), value: value.into() }
}

#[test]
fn keeps_what_was_stored_last() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/state");
    let file = StateFile::open(&path, "edge", None).unwrap();
    assert_eq!(file.load().unwrap(), []);
    file.store(vec![update("backend/a", b"one"), update("secret/n/s", b"key")]).unwrap();
    let second = vec![update("backend/a", b"two")];
    file.store(second.clone()).unwrap();
    assert_eq!(StateFile::open(&path, "edge", None).unwrap().load().unwrap(), second);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is left lying about");
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let file = StateFile::open(&path, "edge", None).unwrap();
    fs::write(path.join("configuration.new"), "left by a crash").unwrap();
    file.store(vec![update("secret/n/s", b"key")]).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("configuration"))), (0o700, 0o600));
}

#[test]
fn whatever_is_damaged_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::open(directory.path(), "edge", None).unwrap();
    file.store(vec![update("backend/a", b"some bytes")]).unwrap();
    let path = directory.path().join("configuration");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(matches!(file.load(), Err(StateError::Damaged { .. })), "byte {at}");
        fs::write(&path, &good[..at]).unwrap();
        assert!(matches!(file.load(), Err(StateError::Damaged { .. })), "cut at {at}");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(file.load().unwrap().len(), 1);
}

#[test]
fn another_fleets_configuration_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    StateFile::open(directory.path(), "edge", None).unwrap().store(vec![update("backend/a", b"x")]).unwrap();
    let error = StateFile::open(directory.path(), "core", None).unwrap().load().unwrap_err();
    assert!(error.to_string().contains("fleet \"edge\""), "{error}");
}

#[test]
fn a_directory_has_one_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let held = StateLock::take(directory.path()).unwrap();
    let refused = StateLock::take(directory.path()).unwrap_err();
    assert!(matches!(refused, StateError::InUse { .. }), "{refused}");
    drop(held);
    StateLock::take(directory.path()).unwrap();
    let gone = StateLock::take(&directory.path().join("nowhere")).unwrap_err();
    assert!(matches!(gone, StateError::Io { .. }), "{gone}");
}

#[test]
fn what_cannot_be_stored_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    // Of the right name and no file: nothing can be moved there.
    let blocked = directory.path().join("configuration");
    fs::create_dir_all(blocked.join("in the way")).unwrap();
    let file = StateFile::open(directory.path(), "edge", None).unwrap();
    file.store(vec![update("backend/a", b"x")]).unwrap_err();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "configuration.new is gone");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let blocked = directory.path().join("configuration");
    fs::create_dir(&blocked).unwrap();
    let file = StateFile::open(directory.path(), "edge", None).unwrap();
    let metrics = Arc::<ControlMetrics>::default();
    let (changes, changed) = watch::channel(0);
    let kept = vec![update("backend/a", b"x")];
    let resources = kept.clone();
    let keeping = tokio::spawn(super::keep(file.clone(), move || resources.clone(), changed, Arc::clone(&metrics)));
    changes.send_replace(1);
    while metrics.state_failures.store_configuration.get() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    fs::remove_dir(&blocked).unwrap();
    while !blocked.is_file() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(changes);
    keeping.await.unwrap();
    assert_eq!(file.load().unwrap(), kept, "though nothing has changed since");
}

#[test]
fn what_is_sealed_needs_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("keys");
    std::fs::write(&key, format!("a:{}", "5".repeat(64))).unwrap();
    let keys = backstay_seal::Keys::of_file(&key).unwrap();
    let state = directory.path().join("state");
    let kept = vec![update("secret/a", b"a private key")];
    let file = StateFile::open(&state, "edge", Some(keys)).unwrap();
    file.store(kept.clone()).unwrap();
    assert_eq!(file.load().unwrap(), kept);
    let bytes = std::fs::read(state.join("configuration")).unwrap();
    assert!(!bytes.windows(13).any(|part| part == b"a private key"));
    let error = StateFile::open(&state, "edge", None).unwrap().load().unwrap_err();
    assert!(error.to_string().contains("no key is given"), "{error}");
    // What was kept before there were keys is read, and sealed from then on.
    StateFile::open(&state, "edge", None).unwrap().store(kept.clone()).unwrap();
    assert_eq!(file.load().unwrap(), kept);
}

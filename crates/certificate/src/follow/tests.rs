use std::path::{Path, PathBuf};

use super::{FileError, Followed};
use crate::material::MaterialError;

fn text(contents: &[Vec<u8>]) -> Result<String, MaterialError> {
    let text = contents.concat();
    if text.starts_with(b"bad") { Err(MaterialError::NoCertificate) } else { Ok(String::from_utf8(text).unwrap()) }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn what_changes_is_read_again_and_what_is_bad_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    write(&one, "a");
    write(&two, "b");
    let followed = Followed::of_files(vec![one.clone(), two.clone()], text).await.unwrap();
    let changes = followed.changes();
    assert_eq!(*followed.get(), "ab");
    followed.look().await;
    assert!(!changes.has_changed().unwrap(), "nothing has changed");
    write(&one, "bad one");
    followed.look().await;
    assert_eq!(*followed.get(), "ab");
    std::fs::remove_file(&two).unwrap();
    followed.look().await;
    assert_eq!(*followed.get(), "ab");
    write(&one, "new ");
    write(&two, "pair");
    followed.look().await;
    assert_eq!(*followed.get(), "new pair");
    assert!(changes.has_changed().unwrap());
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["first", "second"] {
        std::fs::create_dir(at(name)).unwrap();
        write(&at(name).join("file"), name);
    }
    // As kubelet has it: the file is a link into a folder that is a link itself.
    std::os::unix::fs::symlink("first", at("data")).unwrap();
    std::os::unix::fs::symlink("data/file", at("file")).unwrap();
    let followed = Followed::of_files(vec![at("file")], text).await.unwrap();
    assert_eq!(*followed.get(), "first");
    std::os::unix::fs::symlink("second", at("next")).unwrap();
    std::fs::rename(at("next"), at("data")).unwrap();
    followed.look().await;
    assert_eq!(*followed.get(), "second");
}

#[tokio::test]
async fn what_cannot_be_read_at_first_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("none");
    let error = Followed::of_files(vec![path.clone()], text).await.unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    write(&path, &"x".repeat((1 << 20) + 1));
    let error = Followed::of_files(vec![path.clone()], text).await.unwrap_err();
    assert!(matches!(error, FileError::Large { .. }), "{error}");
}

use super::*;

fn parse(bytes: &[u8]) -> io::Result<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if text.is_empty() { Err(io::Error::other("it is empty")) } else { Ok(text) }
}

async fn a_second() {
    tokio::time::advance(EVERY).await;
}

#[tokio::test(start_paused = true)]
async fn what_changed_is_read_again_and_what_is_broken_counts_as_before() {
    let directory = tempfile();
    let path = directory.join("file");
    std::fs::write(&path, "one").unwrap();
    let file = SystemFile::read(path.clone(), parse).unwrap();
    std::fs::write(&path, "other").unwrap();
    assert_eq!(*file.load(), "one", "it is looked at once a second");
    a_second().await;
    assert_eq!(*file.load(), "other");
    // As programs replace it: another file under the same name, here of the same length.
    std::fs::write(directory.join("next"), "third").unwrap();
    std::fs::rename(directory.join("next"), &path).unwrap();
    a_second().await;
    assert_eq!(*file.load(), "third");
    std::fs::write(&path, "").unwrap();
    a_second().await;
    assert_eq!(*file.load(), "third");
    std::fs::remove_file(&path).unwrap();
    a_second().await;
    assert_eq!(*file.load(), "third");
    std::fs::write(&path, "fourth").unwrap();
    a_second().await;
    assert_eq!(*file.load(), "fourth");
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_may_be_away_may_come() {
    let directory = tempfile();
    let path = directory.join("file");
    assert!(SystemFile::read(path.clone(), parse).is_err());
    let file = SystemFile::read_or(path.clone(), parse, "none".to_owned());
    a_second().await;
    assert_eq!(*file.load(), "none");
    std::fs::write(&path, "some").unwrap();
    a_second().await;
    assert_eq!(*file.load(), "some");
    std::fs::remove_dir_all(directory).unwrap();
}

fn tempfile() -> PathBuf {
    let path = std::env::temp_dir().join(format!("backstay-{}-{}", std::process::id(), rand::random::<u64>()));
    std::fs::create_dir(&path).unwrap();
    path
}

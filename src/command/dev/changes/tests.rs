use std::path::PathBuf;

use super::Changes;
use crate::manifest::FileArgs;

fn files(paths: Vec<PathBuf>, recursive: bool) -> FileArgs {
    FileArgs { paths, recursive }
}

#[tokio::test]
async fn a_file_that_is_replaced_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.yaml");
    std::fs::write(&path, "a").unwrap();
    let mut changes = Changes::of(&files(vec![path.clone()], false), &directory.path().join("data")).unwrap();
    let beside = directory.path().join("a.yaml~");
    std::fs::write(&beside, "b").unwrap();
    std::fs::rename(&beside, &path).unwrap();
    changes.next().await;
}

#[tokio::test]
async fn a_new_file_deeper_down_is_noticed_when_those_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let deeper = directory.path().join("deeper");
    std::fs::create_dir(&deeper).unwrap();
    let mut changes =
        Changes::of(&files(vec![directory.path().to_owned()], true), &directory.path().join("data")).unwrap();
    std::fs::write(deeper.join("b.yaml"), "b").unwrap();
    changes.next().await;
}

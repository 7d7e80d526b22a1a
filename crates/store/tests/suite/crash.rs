//! A process that is killed while it writes has lost nothing that it acknowledged.
//!
//! The test binary starts itself again as the process to be killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use backstay_store::{CommitError, Embedded, Event, Expect, Options, Prefix, Store};
use tempfile::TempDir;

use crate::fixture::{backends, delete, key, put, until};

const FILE: &str = "BACKSTAY_STORE_CRASH_FILE";
const WRITERS: usize = 8;

/// What is killed. Each task writes pairs of objects in one commit and says when it was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn victim() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let store = Arc::new(Embedded::open(file, Options::default()).unwrap());
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&store), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn write(store: Arc<Embedded>, writer: usize) {
    let [left, right] = ["left", "right"].map(|side| format!("{writer}-{side}"));
    let first = store.snapshot().get(&key(&left)).map_or(0, |entry| number(&entry.value.bytes()));
    for step in first + 1.. {
        // Values of many sizes, so that pages split and merge.
        let value = format!("{step} {}", "x".repeat(usize::try_from(step * 7919 % 9000).unwrap()));
        let mut writes = vec![put(&left, Expect::Any, &value), put(&right, Expect::Any, &value)];
        let passing = format!("{writer}-passing");
        writes.push(match store.snapshot().get(&key(&passing)) {
            Some(_) => delete(&passing, Expect::Present),
            None => put(&passing, Expect::Absent, &value),
        });
        let revision = match store.commit(writes).await {
            Ok(committed) => committed.revision,
            Err(CommitError::Conflict { key, .. }) => panic!("{key} has another writer"),
            Err(other) => panic!("{other}"),
        };
        // A line of its own: the test harness has begun one.
        println!("\nacknowledged {writer} {step} {revision}");
    }
}

fn number(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn start(file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// What a victim acknowledged before it was killed.
#[derive(Default)]
struct Acknowledged {
    steps: BTreeMap<usize, u64>,
    revision: u64,
}

impl Acknowledged {
    fn read(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix("acknowledged ") else { return false };
        let [writer, step, revision] = rest.split(' ').collect::<Vec<_>>()[..] else { return false };
        // The last line may be cut off by the kill: then it is a smaller number.
        let (Ok(writer), Ok(step), Ok(revision)) = (writer.parse(), step.parse::<u64>(), revision.parse::<u64>())
        else {
            return false;
        };
        let newest: &mut u64 = self.steps.entry(writer).or_default();
        *newest = step.max(*newest);
        self.revision = revision.max(self.revision);
        true
    }
}

#[tokio::test]
async fn a_killed_process_has_lost_nothing() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("store.redb");
    let mut acknowledged = Acknowledged::default();
    let mut told: Vec<Event> = Vec::new();
    for round in 0..8 {
        let mut victim = start(&file);
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        // Killed after so many acknowledgements, in the midst of the next commits.
        let patience = 1 + round * 37 % 150;
        let mut heard = 0;
        while heard < patience {
            let line = lines.next().expect("the victim lives").unwrap();
            heard += usize::from(acknowledged.read(&line));
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged.read(&line);
        }
        check(&file, &acknowledged, &mut told).await;
    }
}

async fn check(file: &Path, acknowledged: &Acknowledged, told: &mut Vec<Event>) {
    let store = Embedded::open(file, Options::default()).unwrap();
    let snapshot = store.snapshot();
    assert!(snapshot.revision() >= acknowledged.revision);
    for (writer, step) in &acknowledged.steps {
        let stored = snapshot.get(&key(&format!("{writer}-left"))).expect("it was acknowledged");
        assert!(number(&stored.value.bytes()) >= *step);
    }
    for writer in 0..WRITERS {
        let [left, right] = ["left", "right"].map(|side| snapshot.get(&key(&format!("{writer}-{side}"))));
        assert_eq!(left.map(|entry| (&entry.value, entry.modified)), right.map(|entry| (&entry.value, entry.modified)));
        let Some(value) = left.map(|entry| entry.value.bytes()) else { continue };
        let length = usize::try_from(number(&value) * 7919 % 9000).unwrap();
        assert!(value.ends_with(&b"x".repeat(length)), "the object is whole");
        let passing = snapshot.get(&key(&format!("{writer}-passing")));
        assert_eq!(passing.is_some(), number(&value) % 2 == 1, "the third write of the commit is there as well");
    }
    let mut watch = store.watch(Prefix::all(), 0).unwrap();
    let events = until(&mut *watch, snapshot.revision()).await;
    assert_eq!(events[..told.len()], told[..], "the past does not change");
    assert!(store.watch(backends(), snapshot.revision() + 1).is_err());
    *told = events;
}

//! Whatever is done to a store, it is what a simple model of it is.

use std::collections::BTreeMap;

use backstay_store::{
    Change, CommitError, Embedded, Expect, Memory, Operation, Options, Prefix, Revision, Snapshot, Store, Write,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fixture::{delete, guard, key, put, shown, until};

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Planned>),
    Reopen,
}

#[derive(Debug, Clone)]
struct Planned {
    object: u8,
    expect: Planning,
    doing: Doing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Put(u8),
    Delete,
    Guard,
}

#[derive(Debug, Clone, Copy)]
enum Planning {
    Any,
    Absent,
    Present,
    Current,
    Stale,
}

/// Value, created, modified.
type Objects = BTreeMap<u8, (String, Revision, Revision)>;

/// The model: the objects at every revision.
struct Model(Vec<Objects>);

impl Model {
    fn now(&self) -> &Objects {
        self.0.last().unwrap()
    }

    fn revision(&self) -> Revision {
        self.0.len() as Revision - 1
    }

    fn write(&self, planned: &Planned) -> Write {
        let modified = self.now().get(&planned.object).map_or(0, |(_, _, modified)| *modified);
        let expect = match planned.expect {
            Planning::Any => Expect::Any,
            Planning::Absent => Expect::Absent,
            Planning::Present => Expect::Present,
            Planning::Current => Expect::Modified(modified),
            Planning::Stale => Expect::Modified(modified.wrapping_sub(1)),
        };
        match planned.doing {
            Doing::Put(value) => put(&name(planned.object), expect, &text(value)),
            Doing::Delete => delete(&name(planned.object), expect),
            Doing::Guard => guard(&name(planned.object), expect),
        }
    }

    /// What must come of a commit.
    fn commit(&mut self, commit: &[Planned]) -> bool {
        let revision = self.revision() + 1;
        let mut next = self.now().clone();
        for Planned { object, expect, doing } in commit {
            let existing = self.now().get(object);
            let holds = match expect {
                Planning::Any => true,
                Planning::Absent => existing.is_none(),
                Planning::Present | Planning::Current => existing.is_some(),
                Planning::Stale => false,
            };
            if !holds || (existing.is_none() && *doing == Doing::Delete) {
                return false;
            }
            match doing {
                Doing::Guard => {}
                Doing::Put(value) => {
                    let created = existing.map_or(revision, |(_, created, _)| *created);
                    next.insert(*object, (text(*value), created, revision));
                }
                Doing::Delete => {
                    next.remove(object);
                }
            }
        }
        self.0.push(next);
        true
    }
}

fn name(object: u8) -> String {
    format!("b{object}")
}

/// A short text, or one of a few long ones that have much in common.
fn text(value: u8) -> String {
    let common = "what every object says, ".repeat(usize::from(value % 4) * 8);
    format!("{value} {common}{value}")
}

fn objects(snapshot: &Snapshot) -> Vec<(String, String, Revision, Revision)> {
    snapshot.list(&Prefix::all()).map(|entry| shown(entry)).collect()
}

fn expected(objects: &Objects) -> Vec<(String, String, Revision, Revision)> {
    let shown = objects.iter().map(|(object, (value, created, modified))| {
        (key(&name(*object)).to_string(), value.clone(), *created, *modified)
    });
    shown.collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let expect = prop_oneof![
        4 => Just(Planning::Any),
        1 => Just(Planning::Absent),
        1 => Just(Planning::Present),
        2 => Just(Planning::Current),
        1 => Just(Planning::Stale),
    ];
    let doing = prop_oneof![2 => any::<u8>().prop_map(Doing::Put), 2 => Just(Doing::Delete), 1 => Just(Doing::Guard)];
    let planned = (0..6_u8, expect, doing).prop_map(|(object, expect, doing)| Planned { object, expect, doing });
    let commit = vec(planned, 1..4).prop_map(|mut commit| {
        commit.sort_by_key(|planned| planned.object);
        commit.dedup_by_key(|planned| planned.object);
        Step::Commit(commit)
    });
    vec(prop_oneof![12 => commit, 1 => Just(Step::Reopen)], 1..40)
}

/// Runs the steps; `reopen` turns a store into what it is after a restart.
async fn run<S: Store>(mut store: S, steps: Vec<Step>, reopen: impl Fn(S) -> S) {
    let mut model = Model(vec![Objects::new()]);
    for step in steps {
        match step {
            Step::Reopen => store = reopen(store),
            Step::Commit(commit) => {
                let writes: Vec<_> = commit.iter().map(|planned| model.write(planned)).collect();
                let deletes = writes.iter().filter(|write| write.operation == Operation::Delete).count();
                let guards = writes.iter().filter(|write| write.operation == Operation::Guard).count();
                let result = store.commit(writes).await;
                if guards == commit.len() {
                    assert!(matches!(result, Err(CommitError::Refused(_))), "{result:?}");
                    continue;
                }
                match (model.commit(&commit), result) {
                    (true, Ok(committed)) => {
                        assert_eq!(committed.revision, model.revision());
                        assert_eq!(committed.entries.len(), commit.len() - guards);
                        let older = committed.entries.iter().filter(|entry| entry.modified != committed.revision);
                        assert_eq!(older.count(), deletes);
                    }
                    (false, Err(CommitError::Conflict { .. })) => {}
                    (done, result) => panic!("the model says {done}, the store {result:?}"),
                }
            }
        }
        assert_eq!(store.snapshot().revision(), model.revision());
        assert_eq!(objects(&store.snapshot()), expected(model.now()));
    }
    check_past(&store, &model).await;
}

/// Every earlier view is as it was, and from each of them the events lead to the newest.
async fn check_past(store: &impl Store, model: &Model) {
    let newest = model.revision();
    for (revision, then) in (0..).zip(&model.0) {
        let view = store.snapshot_at(revision).unwrap();
        assert_eq!(objects(&view), expected(then));
        let mut replica: BTreeMap<_, _> =
            view.list(&Prefix::all()).map(|entry| (entry.key.clone(), entry.clone())).collect();
        let mut watch = store.watch(Prefix::all(), revision).unwrap();
        for event in until(&mut *watch, newest).await {
            let entry = event.change.entry().clone();
            match event.change {
                Change::Created(_) => assert!(replica.insert(entry.key.clone(), entry).is_none()),
                Change::Updated { previous, .. } => {
                    assert_eq!(replica.insert(entry.key.clone(), entry), Some(previous));
                }
                Change::Deleted(_) => assert_eq!(replica.remove(&entry.key), Some(entry)),
            }
        }
        let replica: Vec<_> = replica.values().map(|entry| shown(entry)).collect();
        assert_eq!(replica, expected(model.now()));
    }
}

fn check(cases: u32, run: impl Fn(&Runtime, Vec<Step>)) {
    let runtime = Runtime::new().unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            run(&runtime, steps);
            Ok(())
        })
        .unwrap();
}

#[test]
fn memory_is_as_the_model() {
    check(256, |runtime, steps| runtime.block_on(run(Memory::new(), steps, |store| store)));
}

#[test]
fn embedded_is_as_the_model() {
    check(24, |runtime, steps| {
        let directory = TempDir::new().unwrap();
        let open = || Embedded::open(directory.path().join("store.redb"), Options::default()).unwrap();
        runtime.block_on(run(open(), steps, |store| {
            drop(store);
            open()
        }));
    });
}

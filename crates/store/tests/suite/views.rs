//! Views, at present and in the past.

use std::time::Duration;

use backstay_store::{Change, Expect, Key, Prefix, ReadError, Retention, Store};

use crate::fixture::{Make, Setup, backends, busy, delete, done, key, names, put, put_at, shown, until};

pub(crate) async fn a_view_does_not_change(make: &Make) {
    let store = make(Setup::default());
    done(&*store, put("a", Expect::Any, "1")).await;
    let view = store.snapshot();
    done(&*store, put("a", Expect::Any, "2")).await;
    done(&*store, put("b", Expect::Any, "3")).await;
    assert_eq!((view.revision(), view.len()), (1, 1));
    assert_eq!(view.get(&key("a")).unwrap().value, *b"1");
}

pub(crate) async fn an_earlier_view_can_be_had_again(make: &Make) {
    let store = make(Setup::default());
    let mut seen = vec![store.snapshot()];
    for write in [
        put("a", Expect::Absent, "1"),
        put("b", Expect::Absent, "2"),
        put("a", Expect::Any, "3"),
        delete("b", Expect::Any),
        put("b", Expect::Absent, "4"),
        delete("a", Expect::Any),
    ] {
        done(&*store, write).await;
        seen.push(store.snapshot());
    }
    for view in seen {
        let again = store.snapshot_at(view.revision()).unwrap();
        assert_eq!(again.revision(), view.revision());
        let all = Prefix::all();
        let [had, has] = [&view, &again].map(|view| view.list(&all).map(|entry| shown(entry)).collect::<Vec<_>>());
        assert_eq!(has, had, "at {}", view.revision());
    }
}

async fn fill(store: &dyn Store, objects: usize) {
    let writes = (0..objects).map(|index| put(&format!("b{index:03}"), Expect::Absent, "")).collect();
    store.commit(writes).await.unwrap();
}

pub(crate) async fn pages_of_a_view_fit_together(make: &Make) {
    let store = make(Setup::default());
    fill(&*store, 100).await;
    let prefix = backends();
    let first = store.snapshot();
    let all = names(first.list(&prefix));
    let mut pages = names(first.list(&prefix).take(7));
    while let Some(last) = pages.last().cloned() {
        // Each page is read in a changed world.
        done(&*store, delete(&last, Expect::Any)).await;
        done(&*store, put(&format!("{last}-new"), Expect::Absent, "")).await;
        let view = store.snapshot_at(first.revision()).unwrap();
        let page = names(view.list_after(&prefix, key(&last)).take(7));
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, all);
}

pub(crate) async fn a_used_view_outlives_its_history(make: &Make) {
    let store = make(Setup::history(5));
    fill(&*store, 3).await;
    busy(&*store, 1).await;
    let names_then = names(store.snapshot_at(1).unwrap().list(&backends()));
    busy(&*store, 50).await;
    let view = store.snapshot_at(1).unwrap();
    assert_eq!(names(view.list(&backends())), names_then);
}

pub(crate) async fn a_view_beyond_history_is_gone(make: &Make) {
    let retention = Retention { views: 1, idle: Duration::from_secs(3600) };
    let store = make(Setup { retention, ..Setup::history(5) });
    busy(&*store, 3).await;
    store.snapshot_at(1).unwrap();
    store.snapshot_at(2).unwrap();
    busy(&*store, 20).await;
    let error = store.snapshot_at(1).unwrap_err();
    let ReadError::Compacted { requested: 1, oldest } = error else { panic!("{error}") };
    assert!(oldest > 2);
    assert_eq!(store.snapshot_at(oldest).unwrap().revision(), oldest);
}

pub(crate) async fn a_view_in_the_future_is_refused(make: &Make) {
    let store = make(Setup::default());
    busy(&*store, 2).await;
    assert_eq!(store.snapshot_at(2).unwrap().revision(), 2);
    let error = store.snapshot_at(3).unwrap_err();
    assert!(matches!(error, ReadError::Future { requested: 3, current: 2 }), "{error}");
}

pub(crate) async fn a_list_is_its_prefix_in_order(make: &Make) {
    let store = make(Setup::default());
    for (resource, namespace, name) in [
        ("routes.test", "b", "2"),
        ("routes.test", "b", "1"),
        ("routes.test", "a", "3"),
        ("routes.test", "", "4"),
        ("routes.tests", "a", "5"),
        ("route", "a", "6"),
    ] {
        done(&*store, put_at(Key::new(resource, namespace, name), Expect::Absent, "")).await;
    }
    let view = store.snapshot();
    assert_eq!(names(view.list(&Prefix::resource("routes.test"))), ["4", "3", "1", "2"]);
    assert_eq!(names(view.list(&Prefix::namespace("routes.test", "b"))), ["1", "2"]);
    assert_eq!(names(view.list(&Prefix::namespace("routes.test", ""))), ["4"]);
    assert_eq!(names(view.list(&Prefix::all())), ["6", "4", "3", "1", "2", "5"]);
    let routes = Prefix::resource("routes.test");
    let after = view.list_after(&routes, Key::new("routes.test", "b", "1"));
    assert_eq!(names(after), ["2"]);
}

pub(crate) async fn objects_that_are_alike_are_each_as_written(make: &Make) {
    let text = |shape: &str, number: usize| {
        format!("{number:x} is written {number} times {}, and at last {number}", shape.repeat(20))
    };
    let store = make(Setup::default());
    let mut watch = store.watch(backends(), 0).unwrap();
    for number in 0..50 {
        let name = format!("b{number}");
        done(&*store, put(&name, Expect::Absent, &text("without a status", number))).await;
        done(&*store, put(&name, Expect::Present, &text("with a status that is known", number))).await;
    }
    let newest = store.snapshot();
    for (events, number) in until(&mut *watch, newest.revision()).await.chunks(2).zip(0..) {
        let [created, updated] = events else { panic!("{events:?}") };
        assert_eq!(created.change.entry().value, text("without a status", number));
        assert_eq!(updated.change.entry().value, text("with a status that is known", number));
        let Change::Updated { previous, .. } = &updated.change else { panic!("{updated:?}") };
        assert_eq!(previous, created.change.entry());
        let stored = newest.get(&key(&format!("b{number}"))).unwrap();
        assert_eq!(stored, updated.change.entry());
        assert_eq!(stored.value.len(), text("with a status that is known", number).len());
    }
}

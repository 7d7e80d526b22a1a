use std::sync::Arc;

use backstay_proto::report::BackendHealth;

use super::{Summary, changes};

fn summary(backends: &[(&str, u32)]) -> Summary {
    let health = |name: &str, healthy| BackendHealth { backend: name.to_owned(), healthy, ..BackendHealth::default() };
    backends.iter().map(|(name, healthy)| (Arc::from(*name), health(name, *healthy))).collect()
}

#[test]
fn what_is_as_it_was_told_is_not_told_again() {
    let told = summary(&[("a", 1), ("b", 1)]);
    assert!(changes(&told, &told, 10).is_empty());
    let now = summary(&[("a", 1), ("b", 0), ("c", 1)]);
    let messages = changes(&told, &now, 10);
    let names: Vec<_> = messages.iter().flat_map(|it| &it.backends).map(|it| it.backend.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    assert!(messages.iter().all(|message| message.forgotten.is_empty()));
}

#[test]
fn what_is_gone_is_forgotten_before_anything_new_is_told() {
    let messages = changes(&summary(&[("a", 1), ("b", 1)]), &summary(&[("c", 1)]), 1);
    let told: Vec<_> = messages.iter().map(|it| (it.forgotten.len(), it.backends.len())).collect();
    assert_eq!(told, [(1, 0), (1, 0), (0, 1)]);
}

#[test]
fn messages_stay_small() {
    let now: Vec<String> = (0..25).map(|number| format!("b{number}")).collect();
    let now = summary(&now.iter().map(|name| (name.as_str(), 1)).collect::<Vec<_>>());
    let sizes: Vec<_> = changes(&Summary::new(), &now, 10).iter().map(|message| message.backends.len()).collect();
    assert_eq!(sizes, [10, 10, 5]);
}

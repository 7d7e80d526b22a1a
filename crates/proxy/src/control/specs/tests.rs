use std::time::Duration;

use backstay_model::Timeouts;

use super::*;

fn spec(seconds: u64) -> Arc<BackendSpec> {
    let timeouts = Timeouts { connect: Duration::from_secs(seconds), ..Timeouts::default() };
    Arc::new(BackendSpec { timeouts, ..BackendSpec::default() })
}

#[test]
fn what_is_equal_is_kept_once_for_as_long_as_somebody_has_it() {
    let mut specs = Specs::default();
    let first = specs.shared(spec(1));
    let other = specs.shared(spec(2));
    assert!(!Arc::ptr_eq(&first, &other));
    assert!(Arc::ptr_eq(&first, &specs.shared(spec(1))) && Arc::ptr_eq(&other, &specs.shared(spec(2))));
    drop(first);
    specs.shared(spec(3));
    assert_eq!(specs.0.iter().filter(|known| known.strong_count() > 0).count(), 1, "nobody has kept the others");
    let kept: Vec<_> = (10..30).map(|seconds| specs.shared(spec(seconds))).collect();
    assert!(specs.0.len() <= RECENT && kept.len() == 20);
}

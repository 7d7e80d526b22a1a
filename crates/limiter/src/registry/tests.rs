use std::time::Duration;

use super::*;

#[test]
fn who_asks_for_the_same_gets_the_same_as_long_as_somebody_has_it() {
    let registry = Registry::new(10, Arc::default());
    let rate = Rate::new(1.0, Duration::from_secs(1000), 2);
    let key = Arc::<str>::from("key");
    let one = registry.bucket(&key, rate);
    assert!(one.take(registry.now()));
    let again = registry.bucket(&key, rate);
    assert!(Arc::ptr_eq(&one, &again));
    let faster = registry.bucket(&key, Rate::new(2.0, Duration::from_secs(1000), 2));
    let other = registry.bucket(&Arc::from("other"), rate);
    assert!(!Arc::ptr_eq(&one, &faster) && !Arc::ptr_eq(&one, &other));
    drop((one, again));
    let new = registry.bucket(&key, rate);
    assert_eq!((0..5).filter(|_| new.take(registry.now())).count(), 2);
    drop((new, faster, other));
    registry.bucket(&key, rate);
    assert_eq!(registry.buckets.lock().unwrap().len(), 1);
}

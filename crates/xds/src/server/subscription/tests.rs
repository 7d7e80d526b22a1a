use bytes::Bytes;

use super::Subscription;
use crate::{Resource, ResourceChange, Snapshot};

const TYPE: &str = "type.example/Thing";

#[test]
fn a_wildcard_that_is_up_to_date_remembers_no_names() {
    let put = |number: u32, value: &'static [u8]| {
        ResourceChange::Put(Resource::new(format!("backend/{number}"), Bytes::from_static(value)))
    };
    let snapshot = Snapshot::empty().apply(1, TYPE, (0..10_000).map(|number| put(number, b"1")));
    let held = snapshot.resources(TYPE).take(9_000);
    let held = held.map(|resource| (resource.name().to_string(), resource.version().to_string())).collect();
    let mut subscription = Subscription::open(Vec::new(), &[], held, &snapshot, TYPE);
    assert_eq!(subscription.draft(&snapshot, TYPE, usize::MAX).unwrap().resources.len(), 1_000);

    let next = snapshot.apply(2, TYPE, (0..50).map(|number| put(number, b"2")));
    assert_eq!(subscription.draft(&next, TYPE, usize::MAX).unwrap().resources.len(), 50);
    assert!(subscription.draft(&next, TYPE, usize::MAX).is_none());
    assert_eq!((subscription.told.len(), subscription.due.len(), subscription.names.len()), (0, 0, 0));
    assert!(subscription.told.capacity() < 64, "{} entries stay allocated", subscription.told.capacity());
}

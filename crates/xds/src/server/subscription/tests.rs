use bytes::Bytes;

use super::{Held, Subscription, Terms};
use crate::server::TypeRule;
use crate::{Resource, ResourceChange, Snapshot, Variant};

const TYPE: &str = "type.example/Thing";

#[test]
fn a_wildcard_that_is_up_to_date_remembers_no_names() {
    let put = |number: u32, value: &'static [u8]| {
        ResourceChange::Put(Resource::new(format!("backend/{number}"), Bytes::from_static(value)))
    };
    let snapshot = Snapshot::empty().apply(1, TYPE, (0..10_000).map(|number| put(number, b"1")));
    let held = snapshot.resources(TYPE).take(9_000);
    let held: Held = held.map(|resource| (resource.name().to_string(), resource.version().to_string())).collect();
    let rule = TypeRule::of(TYPE);
    let terms = Terms { type_url: TYPE, variant: Variant::Incremental, rule: &rule, limit: usize::MAX };
    let mut subscription = Subscription::open(Vec::new(), &[], &held, &snapshot, TYPE);
    assert_eq!(subscription.draft(&snapshot, &terms, true).unwrap().part.resources.len(), 1_000);

    let next = snapshot.apply(2, TYPE, (0..50).map(|number| put(number, b"2")));
    assert_eq!(subscription.draft(&next, &terms, true).unwrap().part.resources.len(), 50);
    assert!(subscription.draft(&next, &terms, true).is_none());
    assert_eq!((subscription.told.len(), subscription.due.len(), subscription.names.len()), (0, 0, 0));
    assert!(subscription.told.capacity() < 64, "{} entries stay allocated", subscription.told.capacity());
}

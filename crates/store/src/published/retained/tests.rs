use super::*;
use crate::transition::Entries;

fn view(revision: Revision) -> Snapshot {
    Snapshot::new(revision, Entries::new())
}

fn found(retained: &mut Retained, revision: Revision, now: Instant) -> bool {
    retained.get(revision, now).is_some()
}

#[test]
fn the_least_recently_used_view_goes_first() {
    let now = Instant::now();
    let mut retained = Retained::new(Retention { views: 2, ..Retention::default() });
    retained.insert(view(1), now);
    retained.insert(view(2), now);
    assert!(found(&mut retained, 1, now));
    retained.insert(view(3), now);
    assert!(found(&mut retained, 1, now));
    assert!(!found(&mut retained, 2, now));
    assert!(found(&mut retained, 3, now));
}

#[test]
fn each_use_prolongs_a_view() {
    let start = Instant::now();
    let mut retained = Retained::new(Retention { views: 2, idle: Duration::from_secs(10) });
    retained.insert(view(1), start);
    assert!(found(&mut retained, 1, start + Duration::from_secs(9)));
    assert!(found(&mut retained, 1, start + Duration::from_secs(18)));
    assert!(!found(&mut retained, 1, start + Duration::from_secs(28)));
}

#[test]
fn the_same_view_is_kept_once() {
    let now = Instant::now();
    let mut retained = Retained::new(Retention { views: 2, ..Retention::default() });
    retained.insert(view(1), now);
    retained.insert(view(2), now);
    retained.insert(view(2), now);
    assert!(found(&mut retained, 1, now));
}

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;

use backstay_store::{Entry, Key, Revision};

use super::{Kept, LONGEST, PLACES};

fn entry(modified: Revision) -> Arc<Entry> {
    let key = Key::new("things", "", "one");
    Arc::new(Entry { key, value: "{}".into(), created: 1, modified })
}

/// Asks for an object, whose answer would be this, and says whether that had to be made.
fn ask(kept: &Kept, entry: &Arc<Entry>, answer: &[u8]) -> (Vec<u8>, bool) {
    let made = Cell::new(false);
    let framed = kept.framed(entry, || {
        made.set(true);
        Ok::<_, Infallible>(answer.to_vec())
    });
    (framed.unwrap(), made.get())
}

#[test]
fn what_is_asked_for_again_is_made_twice_and_then_known() {
    let (kept, one) = (Kept::default(), entry(1));
    let asked: Vec<_> = (0..4).map(|_| ask(&kept, &one, b"one")).collect();
    assert!(asked.iter().all(|(answer, _)| answer == b"one"));
    assert_eq!(asked.iter().map(|(_, made)| *made).collect::<Vec<_>>(), [true, true, false, false]);
}

#[test]
fn what_has_changed_is_another() {
    let kept = Kept::default();
    // Each is gone before the next is stored, perhaps in the same place of memory and at the same revision.
    for number in 0..1_000_u32 {
        let one = entry(1);
        let answer = number.to_be_bytes();
        for _ in 0..3 {
            assert_eq!(ask(&kept, &one, &answer).0, answer);
        }
    }
}

#[test]
fn what_is_long_and_what_is_asked_for_once_take_no_memory() {
    let kept = Kept::default();
    let long = vec![0; LONGEST + 1];
    let entries: Vec<_> = (0..10 * PLACES as u64).map(entry).collect();
    for entry in &entries {
        ask(&kept, entry, b"once");
    }
    for _ in 0..3 {
        assert!(ask(&kept, &entries[0], &long).1);
    }
    assert!(kept.0.iter().all(|place| place.lock().unwrap().framed.is_none()));
}

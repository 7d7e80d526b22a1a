use super::{Cause, First};

const ALL: [Cause; 7] = [
    Cause::Client,
    Cause::Recorded,
    Cause::Deadline,
    Cause::BetweenBytes,
    Cause::Still,
    Cause::Shutdown,
    Cause::TooLong,
];

#[test]
fn what_came_first_decides() {
    let cause = First::default();
    assert_eq!(cause.get(), None);
    for first in ALL {
        for second in ALL {
            cause.set(first);
            cause.set(second);
            assert_eq!(cause.get(), Some(first));
            cause.clear();
            assert_eq!(cause.get(), None);
        }
    }
}

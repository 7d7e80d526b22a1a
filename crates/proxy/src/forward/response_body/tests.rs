use std::time::{Duration, Instant};

use super::earlier;
use crate::activity::Cause;

#[test]
fn of_two_timeouts_that_have_passed_the_one_that_was_due_first_is_the_cause() {
    let now = Instant::now();
    let later = now + Duration::from_nanos(1);
    let cases = [
        (Some(now), Some(later), Some(Cause::Deadline)),
        (Some(later), Some(now), Some(Cause::BetweenBytes)),
        // The whole bounds its parts.
        (Some(now), Some(now), Some(Cause::Deadline)),
        (Some(now), None, Some(Cause::Deadline)),
        (None, Some(now), Some(Cause::BetweenBytes)),
        (None, None, None),
    ];
    for (total, between_bytes, cause) in cases {
        assert_eq!(earlier(total, between_bytes), cause);
    }
}

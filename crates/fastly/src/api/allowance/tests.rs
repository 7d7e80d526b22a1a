use std::time::{Duration, UNIX_EPOCH};

use backstay_auth::User;

use super::{Allowance, Writes};

#[test]
fn an_hour_has_so_many_writes_of_a_token_and_the_next_one_begins_when_it_is_told() {
    let writes = Writes::new(Some(2));
    let (one, other) = (User::anyone("acme"), User { id: "2".to_owned(), ..User::anyone("acme") });
    let at = |seconds: f64| UNIX_EPOCH + Duration::from_secs_f64(seconds);
    let allowance = |is_exceeded, remaining, reset| Some(Allowance { is_exceeded, remaining, reset });
    assert_eq!(writes.take(&one, at(10.5)), allowance(false, 1, 3611));
    assert_eq!(writes.take(&one, at(20.0)), allowance(false, 0, 3611));
    assert_eq!(writes.take(&one, at(30.0)), allowance(true, 0, 3611));
    assert_eq!(writes.take(&other, at(30.0)), allowance(false, 1, 3630));
    // What was refused is not counted, and the hour does not get longer for it.
    assert_eq!(writes.take(&one, at(3610.0)), allowance(true, 0, 3611));
    assert_eq!(writes.take(&one, at(3611.0)), allowance(false, 1, 7211));
    // The clock is set back.
    assert_eq!(writes.take(&one, at(5.0)), allowance(false, 1, 3605));
}

#[test]
fn without_a_limit_nothing_is_told() {
    let writes = Writes::new(None);
    assert_eq!(writes.take(&User::anyone("acme"), UNIX_EPOCH), None);
}

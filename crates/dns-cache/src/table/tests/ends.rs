//! What ends a host, its addresses, and a lookup that nobody wants any more.

use super::*;

#[test]
fn a_name_that_is_not_used_is_dropped_whatever_its_ttl() {
    for (answer, ttl_of_answer) in
        [(found(86_400), "a day"), (found(1), "a second"), (empty(), "none"), (failed(), "unknown")]
    {
        let settings = Settings { host_ttl: s(2), refresh_rate: s(3600), ..Settings::default() };
        let mut f = Fixture::new(settings);
        f.join("h.example").unwrap();
        f.answer(answer);
        f.pass(s(2));
        assert_eq!(f.counts().host_removed, 0, "{ttl_of_answer}: it has been unused for no longer than it may");
        f.pass(Duration::from_millis(1));
        assert_eq!((f.counts().host_removed, f.counts().num_hosts), (1, 0), "{ttl_of_answer}");
        assert_eq!((f.begun(), f.table.next_timer()), (vec![], None));
    }
}

#[test]
fn names_that_are_not_used_make_room_for_those_that_are() {
    let mut f = Fixture::new(Settings { host_ttl: s(2), max_hosts: 50, ..Settings::default() });
    for number in 0..50 {
        f.join(&format!("h{number}.example")).unwrap();
        f.answer(found(86_400));
    }
    let used = f.join("h0.example").unwrap();
    assert_eq!(f.join("new.example").unwrap_err(), LookupError::Overflow);
    for _ in 0..3 {
        f.pass(s(1));
        assert!(f.get(&used).unwrap().is_ok());
    }
    assert_eq!((f.counts().host_removed, f.counts().num_hosts), (49, 1));
    f.join("new.example").unwrap();
}

#[test]
fn a_use_puts_the_end_off_and_another_host_ttl_sets_it_anew() {
    let mut f = Fixture::new(Settings { host_ttl: s(10), ..Settings::default() });
    let host = f.join("h.example").unwrap();
    f.answer(found(3600));
    f.pass(s(9));
    assert!(f.get(&host).unwrap().is_ok());
    f.pass(s(9));
    assert_eq!(f.counts().host_removed, 0);
    f.table.configure(f.now, Settings { host_ttl: s(60), ..Settings::default() });
    f.pass(s(50));
    assert_eq!(f.counts().host_removed, 0);
    f.table.configure(f.now, Settings { host_ttl: s(1), ..Settings::default() });
    f.pass(s(0));
    assert_eq!(f.counts().host_removed, 1);
}

#[test]
fn a_name_that_is_being_looked_up_is_waited_for_however_short_its_time() {
    let mut f = Fixture::new(Settings { host_ttl: s(1), query_timeout: s(5), ..Settings::default() });
    let host = f.join("h.example").unwrap();
    f.pass(s(4));
    assert_eq!((f.get(&host), f.counts().host_removed), (None, 0));
    f.answer(found(60));
    assert!(f.get(&host).unwrap().is_ok());
}

#[test]
fn an_answer_for_another_family_is_not_listened_to() {
    let family = |family| Settings { family, query_timeout: s(60), ..Settings::default() };
    let mut f = Fixture::new(family(Family::V4Only));
    let (first, again) = (f.join("first.example").unwrap(), f.join("again.example").unwrap());
    let before = f.begun();
    f.table.complete(f.now, &before[1].0, before[1].1, found(5));
    f.pass(s(5));
    let refreshing = f.begun();
    assert_eq!(refreshing.len(), 1, "one is looked up for the first time, and the other again");
    f.table.configure(f.now, family(Family::V6Only));
    let effects = f.table.take_effects();
    let mut abandoned: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Abandon { number } => Some(*number),
            Effect::Begin { .. } => None,
        })
        .collect();
    abandoned.sort_unstable();
    assert_eq!(abandoned, [before[0].1, refreshing[0].1]);
    for (key, number) in [&before[0], &refreshing[0]] {
        f.table.complete(f.now, key, *number, addresses(&["10.9.9.9"], 60));
    }
    assert_eq!(f.get(&first), None, "whoever waits, waits for the family that is wanted now");
    assert_eq!(f.get(&again), Some(Ok(vec!["10.0.0.1:80".into()])));
    for effect in effects {
        if let Effect::Begin { key, number, .. } = effect {
            f.table.complete(f.now, &key, number, addresses(&["2001:db8::1"], 60));
        }
    }
    for host in [&first, &again] {
        assert_eq!(f.get(host), Some(Ok(vec!["[2001:db8::1]:80".into()])));
    }
    assert_eq!(f.counts().dns_query_attempt, 5);
}

#[test]
fn that_there_is_no_address_counts_for_as_long_as_it_is_said_to() {
    let often = |max_absent, max_stale| Settings {
        refresh_rate: s(1),
        min_refresh_rate: s(1),
        max_absent,
        max_stale,
        ..Settings::default()
    };
    // What is answered each second, and after how many the addresses are gone.
    for (max_absent, max_stale, answers, gone) in [
        (None, None, [empty(), empty(), empty(), empty()], None),
        (Some(s(0)), None, [empty(), empty(), empty(), empty()], Some(1)),
        (Some(s(2)), None, [empty(), empty(), empty(), empty()], Some(3)),
        (Some(s(0)), None, [failed(), failed(), failed(), empty()], Some(4)),
        // Whoever does not know has not taken back what was said.
        (Some(s(2)), None, [empty(), failed(), failed(), failed()], Some(3)),
        (Some(s(2)), None, [empty(), found(1), empty(), empty()], None),
        (Some(s(9)), Some(s(1)), [empty(), empty(), empty(), empty()], Some(2)),
        (None, Some(s(0)), [empty(), empty(), empty(), empty()], Some(1)),
    ] {
        let mut f = Fixture::new(often(max_absent, max_stale));
        let host = f.join("h.example").unwrap();
        f.answer(found(1));
        let mut second = None;
        for (count, answer) in (1..).zip(answers.clone()) {
            f.pass(s(1));
            if let Some(begun) = f.begun().first() {
                f.table.complete(f.now, &begun.0, begun.1, answer);
            }
            if second.is_none() && f.get(&host).unwrap().is_err() {
                second = Some(count);
            }
        }
        assert_eq!(second, gone, "{max_absent:?} {max_stale:?} {answers:?}");
        assert_eq!(f.counts().stale_host_expired, u64::from(gone.is_some()));
    }
}

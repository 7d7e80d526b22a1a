use std::time::Duration;

use super::{Limit, Limits, SETTINGS};

fn set(text: &str) -> Result<Limits, String> {
    let limit: Limit = text.parse().map_err(|error: super::LimitError| error.to_string())?;
    let mut limits = Limits::default();
    limit.apply(&mut limits);
    Ok(limits)
}

#[test]
fn a_limit_is_set_by_its_name() {
    assert_eq!(set("max-watches=5").unwrap().api.max_watches, 5);
    assert_eq!(set("request_timeout=2m").unwrap().api.request_timeout, Duration::from_secs(120));
    assert_eq!(set("connections=7").unwrap().connections.connections, 7);
    assert_eq!(set("max-streams=5").unwrap().discovery.max_streams, 5);
    assert_eq!(set("max-stream-age=1h").unwrap().ages.age, Duration::from_secs(3600));
    assert_eq!(set("store_queue_commits=9").unwrap().store.queue_commits, 9);
}

#[test]
fn what_is_not_understood_is_named() {
    for (text, said) in [
        ("max_watches", "NAME=VALUE"),
        ("max_watchers=1", "there are connections, "),
        ("max_watches=many", "\"many\" is no number"),
        ("max-watches=0", "max-watches must be from 1 to 10000000"),
        ("request_timeout=0s", "request-timeout must be from 1s to 1h0m0s"),
    ] {
        let error = set(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn defaults_are_within_their_ranges_and_names_are_unique() {
    let mut defaults = Limits::default();
    for (index, setting) in SETTINGS.iter().enumerate() {
        match setting.at {
            super::At::Count(at, least, largest) => {
                assert!((least..=largest).contains(at(&mut defaults)), "{setting:?}");
            }
            super::At::Time(at, least, largest) => {
                assert!((least..=largest).contains(at(&mut defaults)), "{setting:?}");
            }
        }
        assert!(SETTINGS[..index].iter().all(|other| other.name != setting.name), "{setting:?}");
    }
}

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::LogSwitch;

type Turned = Arc<Mutex<Vec<(String, Duration)>>>;

fn switch() -> (LogSwitch, Turned) {
    let turned = Turned::default();
    let notes = Arc::clone(&turned);
    let switch = LogSwitch::new(move |level, time| {
        if level == "loud" {
            return Err("no such level".to_owned());
        }
        notes.lock().unwrap().push((level.to_owned(), time));
        Ok(())
    });
    (switch, turned)
}

#[test]
fn it_is_turned_to_a_level_for_a_while() {
    let (switch, turned) = switch();
    assert_eq!(switch.turn(Some("level=debug&for=5m")).unwrap(), "logging debug for 300 s\n");
    assert_eq!(
        switch.turn(Some("level=backstay_proxy%3Dtrace,info")).unwrap(),
        "logging backstay_proxy=trace,info for 60 s\n"
    );
    let expected = [
        ("debug".to_owned(), Duration::from_secs(300)),
        ("backstay_proxy=trace,info".to_owned(), Duration::from_secs(60)),
    ];
    assert_eq!(*turned.lock().unwrap(), expected);
}

#[test]
fn what_is_not_understood_is_named_and_changes_nothing() {
    let (switch, turned) = switch();
    for (query, said) in [
        ("", "level is missing"),
        ("level=debug&for=2h", "for=2h"),
        ("level=debug&for=0s", "for=0s"),
        ("level=debug&for=60", "for=60"),
        ("level=loud", "no such level"),
        ("levl=debug", "\"levl\" is no parameter"),
    ] {
        let error = switch.turn(Some(query)).unwrap_err().to_string();
        assert!(error.contains(said), "{query}: {error}");
    }
    assert!(turned.lock().unwrap().is_empty());
}

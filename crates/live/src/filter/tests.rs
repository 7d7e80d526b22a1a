use std::time::Duration;

use backstay_proto::live;
use http::Method;

use super::{Filter, Seen};

fn seen() -> Seen<'static> {
    Seen {
        backend: Some("backend/demo"),
        route: Some("route/shop/cart"),
        path: "/cart/1",
        status: 503,
        duration: Duration::from_millis(250),
        method: &Method::GET,
    }
}

fn filter(change: impl FnOnce(&mut live::Filter)) -> Filter {
    let mut asked = live::Filter::default();
    change(&mut asked);
    Filter::read(&asked).unwrap()
}

#[test]
fn a_filter_takes_what_it_names_and_nothing_else() {
    let taken: [fn(&mut live::Filter); 8] = [
        |_| {},
        |asked| asked.backend = "demo".into(),
        |asked| asked.backend = "backend/demo".into(),
        |asked| asked.route = "shop/cart".into(),
        |asked| asked.path = "/cart".into(),
        |asked| asked.status = "5xx".into(),
        |asked| asked.min_duration_ms = 250,
        |asked| asked.method = "get".into(),
    ];
    for (index, change) in taken.into_iter().enumerate() {
        assert!(filter(change).takes(&seen()), "case {index}");
    }
    let left: [fn(&mut live::Filter); 6] = [
        |asked| asked.backend = "emo".into(),
        |asked| asked.route = "cart".into(),
        |asked| asked.path = "/basket".into(),
        |asked| asked.status = "500".into(),
        |asked| asked.min_duration_ms = 251,
        |asked| asked.method = "POST".into(),
    ];
    for (index, change) in left.into_iter().enumerate() {
        assert!(!filter(change).takes(&seen()), "case {index}");
    }
    let gone = Seen { status: 0, backend: None, ..seen() };
    assert!(filter(|asked| asked.status = "0".into()).takes(&gone));
    assert!(!filter(|asked| asked.backend = "demo".into()).takes(&gone));
}

#[test]
fn what_cannot_be_used_is_named() {
    type Change = fn(&mut live::Filter);
    let cases: [(Change, &str); 8] = [
        (|asked| asked.status = "6xx".into(), "status"),
        (|asked| asked.status = "abc".into(), "status"),
        (|asked| asked.status = "99".into(), "status"),
        (|asked| asked.path = "cart".into(), "path"),
        (|asked| asked.method = "GE T".into(), "method"),
        (|asked| asked.headers = vec!["a b".into()], "header"),
        (|asked| asked.headers = vec!["a".into(); 17], "header"),
        (|asked| asked.backend = "x".repeat(5000), "backend"),
    ];
    for (change, field) in cases {
        let mut asked = live::Filter::default();
        change(&mut asked);
        assert_eq!(Filter::read(&asked).unwrap_err().field, field);
    }
    assert!(crate::limit(10_001).is_err());
    assert!(crate::interval(199).is_err());
    assert_eq!((crate::limit(0), crate::interval(0)), (Ok(100), Ok(1000)));
}

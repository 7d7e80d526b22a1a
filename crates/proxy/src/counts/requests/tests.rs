#![allow(clippy::unwrap_used)]

use std::time::Duration;

use backstay_model::route::PathMatch;

use super::*;

fn exact(path: &str) -> PathMatch {
    PathMatch::Exact(path.into())
}

fn get(status: u16, route: RouteNumber) -> Measured {
    Measured { status, route, ..Measured::begin(&Method::GET, Version::HTTP_11, false) }
}

/// What is told: route, status and how many.
fn told(times: &RequestTimes) -> Vec<(String, u16, u64)> {
    let read = times.read().into_iter().map(|series| {
        let count = *series.times.cumulated.last().unwrap();
        match series.of {
            Some((measured, route)) => (route.as_deref().unwrap_or("none").to_owned(), measured.status, count),
            None => ("beyond".to_owned(), 0, count),
        }
    });
    read.collect()
}

#[test]
fn a_series_tells_what_it_is_of() {
    for method in [Method::GET, Method::PATCH, Method::from_bytes(b"PURGE").unwrap()] {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            for (secure, status, route) in [(true, 0, 0), (false, 599, 1), (true, 999, 65_534)] {
                let mut measured = Measured::begin(&method, version, secure);
                (measured.status, measured.route) = (status, RouteNumber(route));
                assert_eq!(Series::of(&measured).measured(), Some(measured));
            }
        }
    }
    assert_eq!(Series::of(&get(200, RouteNumber::BEYOND)).measured(), None);
}

#[test]
fn threads_are_added_up() {
    let times = RequestTimes::new(10);
    let (mut one, mut two) = (RequestLane::default(), RequestLane::default());
    one.record(&times, &get(200, RouteNumber::default()), Duration::ZERO, None);
    assert!(!times.is_on() && times.read().is_empty(), "nobody asks");
    times.turn_on(None);
    for lane in [&mut one, &mut two] {
        let route = lane.route(&times, &PathMatch::Prefix("/api".into()));
        lane.record(&times, &get(200, route), Duration::from_millis(20), None);
        lane.record(&times, &get(503, RouteNumber::default()), Duration::from_secs(60), None);
    }
    let all = [("none".to_owned(), 503, 2), ("/api/*".to_owned(), 200, 2)];
    assert_eq!(told(&times), all);
    let read = times.read();
    assert_eq!((&*read[0].times.bounds, read[0].times.sum), (&ADVISED[..], 120.0));
    assert_eq!(read[1].times.cumulated[..3], [0, 0, 2], "20 ms are more than 10, and no more than 25");
    times.turn_on(None);
    assert_eq!(told(&times), all, "what is so already goes on");
}

#[test]
fn other_bounds_begin_anew_and_routes_keep_their_numbers() {
    let times = RequestTimes::new(10);
    let mut lane = RequestLane::default();
    times.turn_on(None);
    let (first, second) = (lane.route(&times, &exact("/a")), lane.route(&times, &exact("/b")));
    lane.record(&times, &get(200, first), Duration::ZERO, None);
    times.turn_on(Some(&[30.0].into()));
    assert!(told(&times).is_empty());
    // It has begun before.
    lane.record(&times, &get(200, second), Duration::from_secs(40), None);
    assert_eq!(told(&times), [("/b".to_owned(), 200, 1)]);
    assert_eq!(times.read()[0].times.cumulated, [0, 1]);
    times.turn_off();
    lane.record(&times, &get(200, second), Duration::ZERO, None);
    times.turn_on(None);
    assert!(told(&times).is_empty(), "what was counted before is forgotten");
}

#[test]
fn what_has_no_room_is_counted_as_one() {
    let times = RequestTimes::new(2);
    times.turn_on(None);
    let (mut one, mut two) = (RequestLane::default(), RequestLane::default());
    let routes: Vec<_> = ["/a", "/b", "/c", "/d"].map(|route| one.route(&times, &exact(route))).into();
    assert_eq!(routes[2..], [RouteNumber::BEYOND; 2]);
    for status in [200, 201, 202, 203] {
        one.record(&times, &get(status, routes[0]), Duration::ZERO, None);
    }
    // A series that is there is everybody's.
    two.record(&times, &get(201, routes[0]), Duration::ZERO, None);
    two.record(&times, &get(200, routes[3]), Duration::ZERO, None);
    two.record(&times, &get(202, routes[0]), Duration::ZERO, None);
    assert_eq!(told(&times), [("/a".to_owned(), 200, 1), ("/a".to_owned(), 201, 2), ("beyond".to_owned(), 0, 4)]);
    assert_eq!(times.overflows.get(), 4);
}

#[test]
fn what_is_counted_once_more_allocates_nothing() {
    let times = RequestTimes::new(10);
    times.turn_on(Some(&[1.0].into()));
    let (mut lane, path) = (RequestLane::default(), PathMatch::Prefix("/api/".into()));
    let mut count = || {
        let mut measured = Measured::begin(&Method::GET, Version::HTTP_11, false);
        measured.route = lane.route(&times, &path);
        measured.answered(StatusCode::OK);
        lane.record(&times, &measured, Duration::from_millis(1), None);
    };
    count();
    assert_eq!(allocation_counter::measure(count).count_total, 0);
    assert_eq!(told(&times), [("/api/*".to_owned(), 200, 2)]);
}

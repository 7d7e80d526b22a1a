mod bounds;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;

const URL: &str = "http://backend.test/things?id=1";

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).expect("a name");
    fields.iter().map(|(field, value)| (name(field), HeaderValue::from_str(value).expect("a value"))).collect()
}

fn cache() -> Arc<Cache> {
    cache_of(&Arc::new(Budget::new(1 << 30, Arc::default())))
}

fn cache_of(budget: &Arc<Budget>) -> Arc<Cache> {
    Arc::new(Cache::new(Bounds { max_bytes: 1 << 20, max_items: 0 }, budget.clone()))
}

fn question<'a>(method: &'a Method, headers: &'a HeaderMap) -> Question<'a> {
    Question { method, url: URL, headers }
}

/// Has a `200` answered with these fields at second 0.
fn answered(cache: &Arc<Cache>, asked: &[(&str, &str)], fields: &[(&str, &str)], body: &'static str) {
    let asked = headers(asked);
    let question = question(&Method::GET, &asked);
    if let Some(recorder) = cache.on_answer(&question, StatusCode::OK, &headers(fields), (at(0), at(0))) {
        recorder.finish_with(Bytes::from_static(body.as_bytes()));
    }
}

/// What is kept for a request: `fresh` and the body, `stale`, `only` if cached, or `-`.
fn found(cache: &Cache, asked: &[(&str, &str)], now: u64) -> String {
    let asked = headers(asked);
    match cache.look_up(&question(&Method::GET, &asked), at(now)) {
        Found::Fresh(stored) => format!("fresh {}", String::from_utf8_lossy(&stored.answer(at(now)).body)),
        Found::Stale(_) => "stale".to_owned(),
        Found::OnlyIfCached => "only".to_owned(),
        Found::Missing => "-".to_owned(),
    }
}

#[test]
fn freshness() {
    const DATE: (&str, &str) = ("date", "Mon, 12 Jan 1970 13:46:40 GMT"); // second 0
    let rows: &[(&str, &[(&str, &str)], &[(&str, &str)], u64, &str)] = &[
        ("max-age", &[("cache-control", "max-age=10")], &[], 9, "fresh a"),
        ("max-age is over at its end", &[("cache-control", "max-age=10")], &[], 10, "stale"),
        ("quoted", &[("cache-control", "public, max-age=\"10\"")], &[], 9, "fresh a"),
        ("no number", &[("cache-control", "max-age=soon"), ("etag", "\"1\"")], &[], 0, "stale"),
        ("more than can be counted", &[("cache-control", "max-age=99999999999999999999")], &[], 9, "fresh a"),
        ("only for shared caches", &[("cache-control", "s-maxage=10"), ("etag", "\"1\"")], &[], 1, "stale"),
        ("expires", &[DATE, ("expires", "Mon, 12 Jan 1970 13:46:50 GMT")], &[], 9, "fresh a"),
        ("expired", &[DATE, ("expires", "Mon, 12 Jan 1970 13:46:50 GMT")], &[], 11, "stale"),
        ("expires is no date", &[DATE, ("expires", "0")], &[], 0, "stale"),
        (
            "max-age goes before expires",
            &[DATE, ("expires", "Mon, 12 Jan 1970 13:46:50 GMT"), ("cache-control", "max-age=1")],
            &[],
            5,
            "stale",
        ),
        ("old when it came", &[("cache-control", "max-age=10"), ("age", "8")], &[], 3, "stale"),
        (
            "old by its date",
            &[("date", "Mon, 12 Jan 1970 13:46:35 GMT"), ("cache-control", "max-age=10")],
            &[],
            6,
            "stale",
        ),
        ("must be asked about", &[("cache-control", "no-cache, max-age=10")], &[], 1, "stale"),
        ("the client wants no cache", &[("cache-control", "max-age=10")], &[("cache-control", "no-cache")], 1, "stale"),
        ("nor by the old word", &[("cache-control", "max-age=10")], &[("pragma", "no-cache")], 1, "stale"),
        (
            "the client wants it younger",
            &[("cache-control", "max-age=10")],
            &[("cache-control", "max-age=3")],
            4,
            "stale",
        ),
        ("and fresh for longer", &[("cache-control", "max-age=10")], &[("cache-control", "min-fresh=5")], 6, "stale"),
        (
            "the client takes it stale",
            &[("cache-control", "max-age=10")],
            &[("cache-control", "max-stale=5")],
            14,
            "fresh a",
        ),
        ("but not for ever", &[("cache-control", "max-age=10")], &[("cache-control", "max-stale=5")], 15, "stale"),
        ("or for ever", &[("cache-control", "max-age=10")], &[("cache-control", "max-stale")], 900, "fresh a"),
        (
            "which the server may forbid",
            &[("cache-control", "max-age=10, must-revalidate")],
            &[("cache-control", "max-stale")],
            11,
            "stale",
        ),
        ("only if cached", &[("cache-control", "max-age=10")], &[("cache-control", "only-if-cached")], 11, "only"),
        ("a validator alone", &[("last-modified", "Mon, 12 Jan 1970 13:46:40 GMT")], &[], 0, "stale"),
        ("nothing that says how long", &[], &[], 0, "-"),
        ("not at all", &[("cache-control", "no-store, max-age=10")], &[], 0, "-"),
        ("by everything", &[("cache-control", "max-age=10"), ("vary", "accept, *")], &[], 0, "-"),
        ("a cookie is for one client", &[("cache-control", "max-age=10"), ("set-cookie", "a=b")], &[], 0, "-"),
        ("the client asks about its own", &[("cache-control", "max-age=10")], &[("if-none-match", "\"1\"")], 11, "-"),
        ("a range", &[("cache-control", "max-age=10")], &[("range", "bytes=0-1")], 0, "-"),
    ];
    for (name, fields, asked, now, expected) in rows {
        let cache = cache();
        answered(&cache, &[], fields, "a");
        assert_eq!(found(&cache, asked, *now), *expected, "{name}");
    }
}

#[test]
fn what_the_client_does_not_want_kept_is_not() {
    let cache = cache();
    answered(&cache, &[("cache-control", "no-store")], &[("cache-control", "max-age=10")], "a");
    assert_eq!(found(&cache, &[], 0), "-");
}

#[test]
fn answers_are_told_apart_by_what_they_vary_by() {
    let cache = cache();
    let fields = [("cache-control", "max-age=10"), ("vary", "Accept-Language")];
    answered(&cache, &[("accept-language", "en")], &fields, "hello");
    answered(&cache, &[("accept-language", "fr")], &fields, "salut");
    assert_eq!(found(&cache, &[("accept-language", "en")], 1), "fresh hello");
    assert_eq!(found(&cache, &[("accept-language", "fr")], 1), "fresh salut");
    assert_eq!(found(&cache, &[], 1), "-");
}

#[test]
fn one_client_does_not_get_what_was_answered_to_the_credentials_of_another() {
    for field in ["authorization", "cookie"] {
        let cache = cache();
        answered(&cache, &[(field, "a=1")], &[("cache-control", "private, max-age=10")], "of one");
        assert_eq!(found(&cache, &[(field, "a=1")], 1), "fresh of one");
        assert_eq!(found(&cache, &[(field, "a=2")], 1), "-", "{field}");
        assert_eq!(found(&cache, &[], 1), "-", "{field}");
        answered(&cache, &[(field, "a=1")], &[("cache-control", "public, max-age=10")], "of all");
        assert_eq!(found(&cache, &[(field, "a=2")], 1), "fresh of all", "{field}");
    }
}

#[test]
fn what_is_coded_is_for_those_who_ask_for_codings_alike() {
    let cache = cache();
    answered(
        &cache,
        &[("accept-encoding", "gzip")],
        &[("cache-control", "max-age=9"), ("content-encoding", "gzip")],
        "z",
    );
    assert_eq!(found(&cache, &[("accept-encoding", "gzip")], 1), "fresh z");
    assert_eq!(found(&cache, &[], 1), "-");
}

#[test]
fn what_has_not_changed_is_fresh_again() {
    let cache = cache();
    answered(&cache, &[], &[("cache-control", "max-age=10"), ("etag", "\"1\""), ("x-kept", "old")], "a");
    let none = HeaderMap::new();
    let question = question(&Method::GET, &none);
    let Found::Stale(stored) = cache.look_up(&question, at(20)) else { panic!("it is stale") };
    let mut sent = HeaderMap::new();
    stored.ask_whether_changed(&mut sent);
    assert_eq!(sent, headers(&[("if-none-match", "\"1\"")]));
    let said = headers(&[("cache-control", "max-age=30"), ("x-kept", "new"), ("content-length", "0")]);
    let answer = cache.on_not_modified(&question, &stored, &said, (at(20), at(20)));
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"a"[..]));
    assert_eq!(answer.headers.get("x-kept").expect("it is there"), "new");
    assert!(!answer.headers.contains_key("content-length"), "the length of a 304 is not that of what is kept");
    assert_eq!(found(&cache, &[], 49), "fresh a");
    assert_eq!(found(&cache, &[], 50), "stale");
}

#[test]
fn what_is_kept_has_an_age_and_nothing_of_a_connection() {
    let cache = cache();
    let fields =
        [("cache-control", "max-age=10"), ("connection", "x-hop"), ("x-hop", "1"), ("keep-alive", "9"), ("x-end", "2")];
    answered(&cache, &[], &fields, "a");
    let none = HeaderMap::new();
    let Found::Fresh(stored) = cache.look_up(&question(&Method::GET, &none), at(7)) else { panic!("it is fresh") };
    let kept = headers(&[("cache-control", "max-age=10"), ("x-end", "2"), ("age", "7")]);
    assert_eq!(stored.answer(at(7)).headers, kept);
}

#[test]
fn what_changes_a_resource_makes_what_is_kept_wrong() {
    for (method, status, expected) in [
        (Method::POST, StatusCode::CREATED, "-"),
        (Method::DELETE, StatusCode::NO_CONTENT, "-"),
        (Method::POST, StatusCode::CONFLICT, "fresh a"),
        (Method::OPTIONS, StatusCode::OK, "fresh a"),
    ] {
        let cache = cache();
        answered(&cache, &[], &[("cache-control", "max-age=10")], "a");
        let none = HeaderMap::new();
        let kept = cache.on_answer(&question(&method, &none), status, &none, (at(1), at(1)));
        assert!(kept.is_none());
        assert_eq!(found(&cache, &[], 2), expected, "{method} {status}");
    }
}

#[test]
fn an_answer_that_may_not_be_kept_takes_the_one_before_with_it() {
    let cache = cache();
    answered(&cache, &[], &[("cache-control", "max-age=10")], "a");
    answered(&cache, &[], &[("cache-control", "no-store")], "b");
    assert_eq!(found(&cache, &[], 1), "-");
}

#[test]
fn stale_answers_serve_in_place_of_errors_where_they_may() {
    for (said, asked, now, expected) in [
        ("max-age=10, stale-if-error=5", "", 14, true),
        ("max-age=10, stale-if-error=5", "", 16, false),
        ("max-age=10", "stale-if-error=5", 14, true),
        ("max-age=10", "", 11, false),
        ("max-age=10, must-revalidate, stale-if-error=5", "", 11, false),
    ] {
        let cache = cache();
        answered(&cache, &[], &[("cache-control", said)], "a");
        let asked = if asked.is_empty() { HeaderMap::new() } else { headers(&[("cache-control", asked)]) };
        let question = question(&Method::GET, &asked);
        let Found::Stale(stored) = cache.look_up(&question, at(now)) else { panic!("it is stale") };
        assert_eq!(cache.may_answer_for_error(&question, &stored, at(now)), expected, "{said}");
    }
}

#[test]
fn a_body_that_ends_early_is_not_kept() {
    let budget = Arc::new(Budget::new(1 << 30, Arc::default()));
    let cache = cache_of(&budget);
    let none = HeaderMap::new();
    let said = headers(&[("cache-control", "max-age=10")]);
    let begin = || {
        let recorder = cache.on_answer(&question(&Method::GET, &none), StatusCode::OK, &said, (at(0), at(0)));
        let mut recorder = recorder.expect("it may be kept");
        assert!(recorder.take(b"ab"));
        recorder
    };
    drop(begin());
    assert_eq!(found(&cache, &[], 1), "-");
    let mut whole = begin();
    assert!(whole.take(b"c"));
    whole.finish();
    assert_eq!(found(&cache, &[], 1), "fresh abc");
    let mut long = begin();
    assert!(!long.take(&vec![0; 1 << 20]), "there is no room for so much");
    assert!(!long.take(b"c"));
    long.finish();
    assert_eq!(found(&cache, &[], 1), "fresh abc", "what is not all of it is not kept");
    assert_eq!(budget.counts.statistics().refusals, 1);
}

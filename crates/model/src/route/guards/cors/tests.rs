use backstay_proto::config;
use http::HeaderMap;
use proptest::prelude::*;

use super::Cors;

fn owned(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}

fn built(message: config::Cors) -> Cors {
    Cors::try_from(&message).unwrap()
}

fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
    of.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn allows(cors: &Cors, origin: &str) -> bool {
    cors.origin("GET", &headers(&[("origin", origin)])).is_some()
}

#[test]
fn origins_are_compared_whatever_their_case_and_wildcards_stand_for_any_text() {
    let cors = built(config::Cors {
        origins: owned(&["HTTPS://One.test", "https://*.two.test", "http://three.test:*"]),
        ..config::Cors::default()
    });
    for (origin, expected) in [
        ("https://one.test", true),
        ("https://ONE.TEST", true),
        ("https://one.test:443", false),
        ("http://one.test", false),
        ("https://a.two.test", true),
        ("https://a.b.Two.test", true),
        ("https://.two.test", true),
        ("https://two.test", false),
        ("https://a.two.test.evil", false),
        ("http://three.test:80", true),
        ("http://three.test:", true),
        ("http://three.test", false),
        ("null", false),
        ("", false),
    ] {
        assert_eq!(allows(&cors, origin), expected, "{origin}");
    }
    // What is before the wildcard and what is after it do not share letters.
    let overlap = built(config::Cors { origins: owned(&["ab*bc"]), ..config::Cors::default() });
    assert!(!allows(&overlap, "abc") && allows(&overlap, "abbc"));
    let any = built(config::Cors { origins: owned(&["https://x.test", "*"]), ..config::Cors::default() });
    assert!(allows(&any, "null") && !allows(&any, ""));
    assert!(!allows(&built(config::Cors::default()), "https://x.test"));
}

/// What a preflight by PUT with a header gets.
fn preflight(message: config::Cors) -> Vec<String> {
    let asked = headers(&[
        ("origin", "https://a.test"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-a, x-b"),
    ]);
    let answer = built(message).preflight(&asked);
    let told = answer.iter().filter(|(name, _)| *name != "vary");
    let short = |name: &str| name.trim_start_matches("access-control-").trim_start_matches("allow-").to_owned();
    let mut told: Vec<_> =
        told.map(|(name, value)| format!("{}: {}", short(name.as_str()), value.to_str().unwrap())).collect();
    told.sort();
    told
}

#[test]
fn a_wildcard_is_told_as_one_where_browsers_take_it() {
    let any = |credentials, literal_wildcard, names_all| config::Cors {
        origins: owned(&["*"]),
        methods: owned(&["*"]),
        headers: owned(&["*"]),
        exposed_headers: owned(&["*"]),
        credentials,
        literal_wildcard,
        names_all,
        ..config::Cors::default()
    };
    let asked = ["headers: x-a, x-b", "methods: PUT"];
    let expected = |others: &[&str]| {
        let mut all = owned(&asked);
        all.extend(owned(others));
        all.sort();
        all
    };
    let with = ["credentials: true", "origin: https://a.test"];
    assert_eq!(preflight(any(false, false, false)), expected(&["origin: *"]));
    assert_eq!(preflight(any(true, false, false)), expected(&with));
    assert_eq!(preflight(any(true, true, false)), expected(&["credentials: true", "origin: *"]));
    assert_eq!(preflight(any(false, false, true)), expected(&["expose-headers: *", "origin: *"]));
    assert_eq!(preflight(any(true, false, true)), expected(&with));
}

#[test]
fn all_that_is_allowed_is_told_or_what_was_asked_for() {
    let some = |names_all, headers: &[&str]| config::Cors {
        origins: owned(&["https://a.test"]),
        methods: owned(&["GET", "OPTIONS"]),
        headers: owned(headers),
        exposed_headers: owned(&["x-c", "x-d"]),
        max_age: Some(prost_types::Duration { seconds: 5, nanos: 900_000_000 }),
        names_all,
        ..config::Cors::default()
    };
    assert_eq!(preflight(some(false, &["X-A", "x-b", "x-e"])), Vec::<String>::new());
    let mut put = some(false, &["X-A", "x-b", "x-e"]);
    put.methods.push("PUT".to_owned());
    let told = ["headers: x-a, x-b", "max-age: 5", "methods: PUT", "origin: https://a.test"];
    assert_eq!(preflight(put), told);
    let all = ["expose-headers: x-c, x-d", "max-age: 5", "methods: GET, OPTIONS", "origin: https://a.test"];
    assert_eq!(preflight(some(true, &[])), all);
    let mut all = owned(&all);
    all.insert(1, "headers: X-A, x-b, x-e".to_owned());
    assert_eq!(preflight(some(true, &["X-A", "x-b", "x-e"])), all);
}

#[test]
fn a_private_network_is_opened_where_that_is_asked_for() {
    let open =
        |private_network| built(config::Cors { origins: owned(&["*"]), private_network, ..config::Cors::default() });
    let mut asked = headers(&[("origin", "https://a.test"), ("access-control-request-method", "GET")]);
    let allowed = |cors: &Cors, asked: &HeaderMap| {
        let answer = cors.preflight(asked);
        let vary = answer["vary"].to_str().unwrap().ends_with("Access-Control-Request-Private-Network");
        (answer.contains_key("access-control-allow-private-network"), vary)
    };
    assert_eq!(allowed(&open(true), &asked), (false, true));
    asked.insert("access-control-request-private-network", "true".parse().unwrap());
    assert_eq!(allowed(&open(true), &asked), (true, true));
    assert_eq!(allowed(&open(false), &asked), (false, false));
}

proptest! {
    /// A pattern holds for what there is a text for in place of the wildcard.
    #[test]
    fn patterns_hold_for_what_they_say(pattern in "[ab]{0,3}\\*[ab]{0,3}", origin in "[abAB]{1,8}") {
        let cors = built(config::Cors { origins: vec![pattern.clone()], ..config::Cors::default() });
        let (before, after) = pattern.split_once('*').unwrap();
        let lower = origin.to_lowercase();
        let naive = (0..=lower.len()).any(|start| {
            (start..=lower.len()).any(|end| &lower[..start] == before && &lower[end..] == after)
        });
        prop_assert_eq!(allows(&cors, &origin), naive);
    }

    /// Whatever is asked, nobody is told more than there is.
    #[test]
    fn nothing_is_told_that_is_not_allowed(origin in "\\PC{0,20}", method in "[A-Z]{1,7}", names in "[a-z, -]{0,30}") {
        let cors = built(config::Cors {
            origins: owned(&["https://a.test"]),
            headers: owned(&["a", "b"]),
            ..config::Cors::default()
        });
        let mut asked = HeaderMap::new();
        for (name, value) in [
            ("origin", &origin),
            ("access-control-request-method", &method),
            ("access-control-request-headers", &names),
        ] {
            if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                asked.insert(name, value);
            }
        }
        let answer = cors.preflight(&asked);
        let all = ["GET", "HEAD", "POST", "OPTIONS"].contains(&method.as_str())
            && names.split(',').all(|name| ["", "a", "b"].contains(&name.trim()));
        prop_assert_eq!(
            answer.contains_key("access-control-allow-origin"),
            all && origin.eq_ignore_ascii_case("https://a.test")
        );
    }
}

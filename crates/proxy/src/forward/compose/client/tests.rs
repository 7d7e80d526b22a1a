//! Where redirects lead.

use super::*;

fn to(base: &str, location: &str) -> Option<String> {
    resolve(base, location).map(|(scheme, host, path)| format!("{scheme}://{host}{path}"))
}

#[test]
fn locations_are_resolved_as_urls_are() {
    let base = "http://a.test:8080/b/c?d";
    for (location, expected) in [
        ("/x", "http://a.test:8080/x"),
        ("x?y=1", "http://a.test:8080/b/x?y=1"),
        ("../x", "http://a.test:8080/x"),
        ("./", "http://a.test:8080/b/"),
        ("../../../x/.", "http://a.test:8080/x/"),
        ("?e", "http://a.test:8080/b/c?e"),
        ("/x#part", "http://a.test:8080/x"),
        ("//other.test/x", "http://other.test/x"),
        ("https://other.test:1/x", "https://other.test:1/x"),
        ("https://other.test", "https://other.test/"),
        ("https://other.test?q", "https://other.test/?q"),
        ("/a:b", "http://a.test:8080/a:b"),
        ("/x?u=http://y/", "http://a.test:8080/x?u=http://y/"),
    ] {
        assert_eq!(to(base, location).as_deref(), Some(expected), "{location}");
    }
}

#[test]
fn what_is_no_url_of_http_leads_nowhere() {
    for location in ["ftp://a.test/", "javascript:x", "http://user@a.test/", "http://", "mailto:x@y", "http://a b/"] {
        assert_eq!(to("http://a.test/", location), None, "{location}");
    }
}

#[test]
fn only_some_answers_lead_on() {
    let mut headers = HeaderMap::new();
    assert!(!leads_on(StatusCode::FOUND, &headers, false));
    headers.insert(header::LOCATION, HeaderValue::from_static("/x"));
    for status in [301, 302, 303, 307, 308] {
        assert!(leads_on(StatusCode::from_u16(status).unwrap(), &headers, false), "{status}");
    }
    for status in [200, 201, 300, 304, 305, 404] {
        assert!(!leads_on(StatusCode::from_u16(status).unwrap(), &headers, false), "{status}");
    }
    assert!(leads_on(StatusCode::FOUND, &headers, true));
    assert!(!leads_on(StatusCode::TEMPORARY_REDIRECT, &headers, true));
    assert!(!leads_on(StatusCode::PERMANENT_REDIRECT, &headers, true));
}

//! What modifiers do is compared with google/martian where they are compiled, in the crate of the dialect. Here is what that has no
//! word for.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

fn outgoing(authority: &str) -> Outgoing {
    Outgoing {
        scheme: Scheme::Http,
        authority: authority.to_owned(),
        target: "/a%2Fb?x=1".to_owned(),
        host: None,
        headers: HeaderMap::new(),
        body: None,
    }
}

#[test]
fn ports_are_told_from_addresses() {
    for (authority, port) in [("a", None), ("a:80", Some(80)), ("[::1]", None), ("[::1]:8080", Some(8080))] {
        assert_eq!(outgoing(authority).port(), port, "{authority}");
    }
}

#[test]
fn what_no_header_can_have_fails() {
    let mut request = outgoing("a\u{1}b");
    let copy = RequestChange::CopyHeader { from: http::header::HOST, to: HeaderName::from_static("x-a") };
    let changes = RequestChanges { changes: vec![copy], aggregate: false };
    let failed = changes.apply(&mut request, &mut String::new);
    assert_eq!(failed, Err(ModifyError::Value("x-a".to_owned())));
}

#[test]
fn parts_of_a_url_that_are_not_set_stay_as_they_are_written() {
    let mut request = outgoing("a");
    let changes = RequestChanges { changes: vec![RequestChange::SetQuery("y=2".to_owned())], aggregate: false };
    assert_eq!(changes.apply(&mut request, &mut String::new), Ok(()));
    assert_eq!(request.target, "/a%2Fb?y=2");
    request.headers.insert("x-a", HeaderValue::from_static("1"));
    let changes = RequestChanges { changes: vec![RequestChange::SetPath("/c d".to_owned())], aggregate: false };
    assert_eq!(changes.apply(&mut request, &mut String::new), Ok(()));
    assert_eq!(request.target, "/c%20d?y=2");
}

use http::{HeaderName, HeaderValue};

use super::*;

#[test]
fn edits_apply_in_their_order() {
    let name = HeaderName::from_static("x");
    let value = HeaderValue::from_static;
    let mut headers = HeaderMap::new();
    headers.append("x", value("0"));
    edit(&mut headers, &[HeaderEdit::Add(name.clone(), value("1")), HeaderEdit::Set(name.clone(), value("2"))]);
    assert_eq!(headers.get_all("x").iter().collect::<Vec<_>>(), ["2"]);
    edit(&mut headers, &[HeaderEdit::Remove(name.clone()), HeaderEdit::Add(name, value("3"))]);
    assert_eq!(headers.get_all("x").iter().collect::<Vec<_>>(), ["3"]);
}

/// The table of the Gateway API's `ReplacePrefixMatch`; the matched length never counts a trailing slash.
#[test]
fn a_replaced_prefix_keeps_elements_apart() {
    for (path, new, expected) in [
        ("/foo/bar", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/xyz/", "/xyz/bar"),
        ("/foo", "/xyz", "/xyz"),
        ("/foo/", "/xyz", "/xyz/"),
        ("/foo/bar", "", "/bar"),
        ("/foo/", "", "/"),
        ("/foo", "", "/"),
        ("/foo/", "/", "/"),
        ("/foo", "/", "/"),
    ] {
        assert_eq!(rewrite(&PathEdit::Prefix(new.into()), path, Some(4)).as_deref(), Some(expected), "{path} {new}");
    }
    assert_eq!(rewrite(&PathEdit::Prefix("/x".into()), "/", Some(0)).as_deref(), Some("/x/"));
    assert_eq!(rewrite(&PathEdit::Prefix("/x".into()), "/foo", None), None);
    assert_eq!(rewrite(&PathEdit::Full("/x".into()), "/foo", None).as_deref(), Some("/x"));
}

#[test]
fn the_query_stays() {
    assert_eq!(with_query("/a".into(), Some("b=c")).unwrap(), "/a?b=c");
    assert_eq!(with_query("/a".into(), None).unwrap(), "/a");
    assert_eq!(with_query("/a b".into(), None), None);
}

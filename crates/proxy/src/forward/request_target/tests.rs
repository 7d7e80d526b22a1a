use super::*;

fn normalized(version: Version, target: &str) -> (String, bool) {
    let mut request = Request::new(());
    *request.version_mut() = version;
    *request.uri_mut() = target.parse().unwrap();
    normalize(&mut request);
    let (parts, ()) = request.into_parts();
    (parts.uri.path_and_query().unwrap().to_string(), is_valid(&parts))
}

#[test]
fn an_absolute_target_gets_the_slash_that_it_lacks() {
    for (target, expected) in [
        ("http://a?q=1", "/?q=1"),
        ("http://a?", "/?"),
        ("http://a:80?a?b/c", "/?a?b/c"),
        ("http://a", "/"),
        ("http://a/", "/"),
        ("http://a/b?c", "/b?c"),
        ("/", "/"),
        ("/?q", "/?q"),
        ("//a", "//a"),
    ] {
        assert_eq!(normalized(Version::HTTP_11, target), (expected.to_owned(), true), "{target}");
    }
}

#[test]
fn what_does_not_begin_with_a_slash_is_no_target() {
    assert!(!normalized(Version::HTTP_2, "http://a?q=1").1);
    assert!(!normalized(Version::HTTP_11, "*").1);
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri) = (Method::OPTIONS, "*".parse().unwrap());
    assert!(is_valid(&parts));
    parts.method = Method::GET;
    assert!(!is_valid(&parts));
}

use super::*;

fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn stripped(headers: &mut HeaderMap) -> HopByHop {
    let present = HeaderPresence::among(headers);
    strip(headers, &present)
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn removes_what_belongs_to_the_connection() {
    let mut headers = map(&[
        ("connection", "keep-alive, X-Mine"),
        ("connection", "content-length"),
        ("x-mine", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
        ("upgrade", "websocket"),
        ("content-length", "3"),
        ("accept", "*/*"),
    ]);
    let hop = stripped(&mut headers);
    assert_eq!(names(&headers), ["accept", "content-length"]);
    assert!(hop.upgrade.is_none(), "Connection does not name Upgrade");
    assert!(!hop.trailers);
}

#[test]
fn notices_upgrades_and_trailers() {
    let mut headers = map(&[("connection", "Upgrade, TE"), ("upgrade", "websocket"), ("te", "trailers, deflate")]);
    let hop = stripped(&mut headers);
    assert_eq!(hop.upgrade.unwrap(), "websocket");
    assert!(hop.trailers);
    assert!(headers.is_empty());

    let mut headers =
        map(&[("connection", "upgrade, http2-settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk")]);
    let offered = stripped(&mut headers).upgrade.unwrap();
    assert_eq!(permitted(offered, &Upgrades::default()), None);
    assert!(headers.is_empty());
}

#[test]
fn only_chunked_is_plain_framing() {
    let is_plainly_framed = |headers: &HeaderMap| HeaderPresence::among(headers).is_plainly_framed(headers);
    assert!(is_plainly_framed(&map(&[])));
    assert!(is_plainly_framed(&map(&[("transfer-encoding", "Chunked")])));
    assert!(!is_plainly_framed(&map(&[("transfer-encoding", "gzip, chunked")])));
    let is_framed_twice = |headers: &HeaderMap| HeaderPresence::among(headers).is_framed_twice();
    assert!(is_framed_twice(&map(&[("transfer-encoding", "chunked"), ("content-length", "1")])));
    assert!(!is_framed_twice(&map(&[("transfer-encoding", "chunked")])));
    assert!(!is_framed_twice(&map(&[("content-length", "1")])));
    assert!(!is_plainly_framed(&map(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")])));
}

#[test]
fn forwarded_for_grows_at_its_end() {
    let mut headers = map(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")]);
    extend_forwarded_for(&mut headers, &HeaderValue::from_static("3.3.3.3"));
    assert_eq!(headers.get_all("x-forwarded-for").iter().collect::<Vec<_>>(), ["1.1.1.1, 2.2.2.2, 3.3.3.3"]);
}

#[test]
fn request_ids_are_version_4_uuids() {
    assert_eq!(request_id(0, 0), "00000000-0000-4000-8000-000000000000");
    assert_eq!(request_id(u64::MAX, u64::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(request_id(0x0123_4567_89ab_cdef, 0x1123_4567_89ab_cdef), "01234567-89ab-4def-9123-456789abcdef");
}

#[test]
fn numbers_have_the_digits_that_the_standard_library_writes() {
    let mut number = 1_u32;
    for _ in 0..10_000 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        assert_eq!(hexadecimal(number), *format!("{number:08x}").as_bytes());
    }
}

#[test]
fn cookies_that_http2_split_are_joined() {
    let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
    join_cookies(&mut headers);
    assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    for (crumbs, whole) in [(["a=1", ""], "a=1"), (["", "b=2"], "b=2"), (["", ""], "")] {
        let mut headers = map(&crumbs.map(|crumb| ("cookie", crumb)));
        join_cookies(&mut headers);
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), [whole], "{crumbs:?}");
    }
}

#[test]
fn what_http2_has_no_place_for_is_found() {
    for value in [" a", "a ", "\ta", "a\t", " "] {
        assert!(!is_well_formed(&map(&[("x-a", "1"), ("x-b", value)])), "{value:?}");
    }
    assert!(!is_well_formed(&HeaderMap::from_iter([(
        HeaderName::from_lowercase(b"a\"b").unwrap(),
        HeaderValue::from_static("1"),
    )])));
    assert!(is_well_formed(&map(&[("x-a", ""), ("x-b", "a b"), ("x-c", "a\tb")])));
}

use http::header::{CONTENT_TYPE, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};

use super::{PageGuard, Refusal};

/// A request: version, target (`:authority` is in it where it is absolute), header lines.
fn check(version: Version, target: &str, lines: &[(&'static str, &str)], has_body: bool) -> Result<(), Refusal> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let guard = PageGuard::new(["cp.example".parse().unwrap(), "Other.Example.".parse().unwrap()]);
    guard.check(version, &target.parse::<Uri>().unwrap(), &headers, has_body)
}

fn status(lines: &[(&'static str, &str)]) -> u16 {
    check(Version::HTTP_11, "/", lines, false).err().map_or(200, |refusal| refusal.status().as_u16())
}

#[test]
fn only_a_host_that_no_dns_decides_on_is_answered() {
    for host in [
        "127.0.0.1",
        "127.0.0.1:7080",
        "10.0.0.1:80",
        "0.0.0.0:7080",
        "[::1]",
        "[::1]:7080",
        "[2001:db8::1]:65535",
        "[::ffff:127.0.0.1]:7080",
        "[::ffff:7f00:1]",
        "[fe80::1%eth0]:7080",
        "[fe80::1%25eth0]",
        "localhost",
        "localhost:",
        "LocalHost:7080",
        "localhost.",
        "localhost.:7080",
        "cp.example",
        "CP.EXAMPLE:7080",
        "cp.example.",
        "other.example:1",
    ] {
        assert_eq!(status(&[("host", host)]), 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:7080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.localhost",
        "localhost..",
        "notlocalhost",
        "sub.cp.example",
        "cp.example.evil.example",
        // What some resolvers take for 127.0.0.1 is a name to others.
        "2130706433",
        "0x7f000001:7080",
        "0x7f.0.0.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.256",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[127.0.0.1]",
        "[localhost]",
        "[::1]evil.example",
        "[::1].evil.example:7080",
        "[fe80::1%]",
        "[fe80::1%a]b]",
        "[%eth0]",
        "evil.example@127.0.0.1",
        "127.0.0.1@evil.example",
        "localhost:7080:1",
        "localhost:x",
        "localhost:+80",
        "localhost:65536",
        "localhost/evil.example",
        "localhost evil.example",
        "localhost,evil.example",
        "http://localhost",
        ":7080",
        ".",
        "*",
        "l\u{f6}calhost",
    ] {
        assert_eq!(status(&[("host", host)]), 403, "{host}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_bytes(b"local\xffhost").unwrap());
    let refused = PageGuard::default().check(Version::HTTP_11, &Uri::from_static("/"), &headers, false);
    assert_eq!(refused.unwrap_err().status(), StatusCode::FORBIDDEN);
}

#[test]
fn a_request_is_addressed_to_one_host() {
    assert_eq!(status(&[("host", "localhost"), ("host", "localhost")]), 400);
    assert_eq!(status(&[("host", "localhost"), ("host", "evil.example")]), 400);
    assert_eq!(status(&[("host", ""), ("host", "localhost")]), 400);
    for (version, target, host, status) in [
        (Version::HTTP_11, "http://127.0.0.1:7080/x", "127.0.0.1:7080", 200),
        (Version::HTTP_11, "http://127.0.0.1/x", "127.0.0.1:80", 200),
        (Version::HTTP_11, "http://LOCALHOST/x", "localhost", 200),
        (Version::HTTP_11, "http://evil.example/x", "127.0.0.1", 403),
        (Version::HTTP_11, "http://127.0.0.1/x", "evil.example", 403),
        (Version::HTTP_11, "http://127.0.0.1/x", "127.0.0.2", 400),
        (Version::HTTP_11, "http://127.0.0.1:1/x", "127.0.0.1:2", 400),
        (Version::HTTP_11, "http://evil.example@127.0.0.1/x", "127.0.0.1", 403),
        (Version::HTTP_11, "evil.example:443", "127.0.0.1", 403),
        (Version::HTTP_2, "http://localhost:7080/x", "localhost:7080", 200),
        (Version::HTTP_2, "http://localhost:7080/x", "evil.example", 403),
        (Version::HTTP_2, "http://evil.example/x", "localhost", 403),
        (Version::HTTP_2, "http://localhost/x", "127.0.0.1", 400),
    ] {
        let answer = check(version, target, &[("host", host)], false);
        let answer = answer.err().map_or(200, |refusal| refusal.status().as_u16());
        assert_eq!(answer, status, "{version:?} {target} {host}");
    }
}

#[test]
fn without_a_host_only_what_may_lack_one_and_no_browser_sent() {
    for (version, status) in [(Version::HTTP_10, 200), (Version::HTTP_11, 400), (Version::HTTP_2, 200)] {
        for none in [&[][..], &[("host", "")]] {
            let answer = check(version, "/", none, true).err().map_or(200, |refusal| refusal.status().as_u16());
            assert_eq!(answer, status, "{version:?} {none:?}");
        }
        for marked in [("origin", "http://127.0.0.1"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "none")] {
            assert!(check(version, "/", &[marked], false).is_err(), "{version:?} {marked:?}");
        }
    }
    assert_eq!(check(Version::HTTP_2, "http://127.0.0.1/x", &[], true), Ok(()));
}

#[test]
fn a_page_of_another_host_or_port_is_refused() {
    for (host, origin) in [
        ("127.0.0.1:7080", "http://127.0.0.1:7080"),
        ("LOCALHOST.:7080", "http://localhost:7080"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("[::1]:7080", "http://[::1]:7080"),
        ("[::ffff:127.0.0.1]:7080", "http://[::ffff:7f00:1]:7080"),
        ("cp.example", "http://cp.example"),
        // TLS may end before us.
        ("cp.example", "https://cp.example"),
        ("cp.example:443", "https://cp.example"),
    ] {
        assert_eq!(status(&[("host", host), ("origin", origin)]), 200, "{host} {origin}");
    }
    for (host, origin) in [
        ("127.0.0.1:7080", "http://evil.example"),
        ("127.0.0.1:7080", "http://evil.example:7080"),
        ("127.0.0.1:7080", "http://127.0.0.1"),
        ("127.0.0.1:7080", "http://127.0.0.1:3000"),
        ("127.0.0.1:7080", "http://127.0.0.2:7080"),
        ("127.0.0.1:7080", "http://localhost:7080"),
        ("127.0.0.1:7080", "http://127.0.0.1:7080@evil.example"),
        ("127.0.0.1:7080", "http://127.0.0.1:7080, http://evil.example"),
        ("127.0.0.1:7080", "http://127.0.0.1:7080/"),
        ("127.0.0.1:7080", "http://[::ffff:127.0.0.1]:7080"),
        ("127.0.0.1:7080", "null"),
        ("127.0.0.1:7080", ""),
        ("127.0.0.1:7080", "127.0.0.1:7080"),
        ("127.0.0.1:7080", "ftp://127.0.0.1:7080"),
        ("127.0.0.1:7080", "chrome-extension://127.0.0.1:7080"),
        ("127.0.0.1:7080", "file://"),
        ("cp.example", "http://other.example"),
        ("cp.example:80", "https://cp.example"),
    ] {
        assert_eq!(status(&[("host", host), ("origin", origin)]), 403, "{host} {origin}");
    }
    let both = [("host", "127.0.0.1"), ("origin", "http://127.0.0.1"), ("origin", "http://evil.example")];
    assert_eq!(status(&both), 403);
    // Whatever the page is called: it is at home where it is, and that is not here.
    assert_eq!(status(&[("host", "evil.example"), ("origin", "http://evil.example")]), 403);
}

#[test]
fn a_page_of_another_site_is_refused() {
    for (site, expected) in [
        ("same-origin", 200),
        ("none", 200),
        ("cross-site", 403),
        ("same-site", 403),
        ("Cross-Site", 403),
        ("", 403),
        ("x", 403),
    ] {
        assert_eq!(status(&[("host", "localhost:7080"), ("sec-fetch-site", site)]), expected, "{site}");
    }
    let both = [("host", "localhost"), ("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
    assert_eq!(status(&both), 403);
}

#[test]
fn a_body_that_a_browser_sends_has_a_type() {
    let own = ("origin", "http://localhost");
    let asked = |more: &[(&'static str, &str)], has_body| {
        let lines = [&[("host", "localhost")], more].concat();
        check(Version::HTTP_11, "/", &lines, has_body).err().map_or(200, |refusal| refusal.status().as_u16())
    };
    for mark in [own, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty")] {
        assert_eq!(asked(&[mark], true), 415, "{mark:?}");
        assert_eq!(asked(&[mark], false), 200, "{mark:?}");
        for untyped in ["", " ", ";", "; charset=utf-8"] {
            assert_eq!(asked(&[mark, (CONTENT_TYPE.as_str(), untyped)][..], true), 415, "{mark:?} {untyped:?}");
        }
        assert_eq!(asked(&[mark, ("content-type", "application/json; charset=utf-8")], true), 200, "{mark:?}");
    }
    assert_eq!(asked(&[], true), 200, "no browser");
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_helps() {
    let said =
        |version, target, lines: &[(&'static str, &str)]| check(version, target, lines, false).unwrap_err().to_string();
    let host = said(Version::HTTP_11, "/", &[("host", "evil.example:7080")]);
    assert!(host.starts_with("Host \"evil.example:7080\"") && host.contains("--allowed-host"), "{host}");
    let authority = said(Version::HTTP_2, "http://evil.example/", &[]);
    assert!(authority.starts_with(":authority \"evil.example\""), "{authority}");
    let target = said(Version::HTTP_11, "http://evil.example/", &[("host", "localhost")]);
    assert!(target.starts_with("the request target \"evil.example\""), "{target}");
    let origin = said(Version::HTTP_11, "/", &[("host", "localhost"), ("origin", "null")]);
    assert!(origin.starts_with("Origin \"null\""), "{origin}");
    let site = said(Version::HTTP_11, "/", &[("host", "localhost"), ("sec-fetch-site", "cross-site")]);
    assert!(site.starts_with("Sec-Fetch-Site \"cross-site\""), "{site}");
    let long = said(Version::HTTP_11, "/", &[("host", &"a".repeat(10_000))]);
    assert!(long.len() < 500, "{long}");
}

#[test]
fn over_tls_any_name_will_do_and_pages_of_others_are_refused_all_the_same() {
    let guard = PageGuard::any_name();
    let check = |origin: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("backstay.example"));
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_static(origin));
        }
        guard.check(Version::HTTP_11, &Uri::from_static("/"), &headers, false)
    };
    assert_eq!(check(None), Ok(()));
    assert_eq!(check(Some("https://evil.example")).unwrap_err().status(), StatusCode::FORBIDDEN);
}

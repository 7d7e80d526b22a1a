use super::*;

fn headers(lines: &[&[u8]]) -> HeaderMap {
    let lines = lines.iter().map(|line| (header::COOKIE, HeaderValue::from_bytes(line).unwrap()));
    lines.collect()
}

#[test]
fn a_cookie_is_found_whatever_the_others_are_made_of() {
    for (lines, value) in [
        (&[b"sid=1".as_slice()][..], Some(b"1".as_slice())),
        (&[b"name=Jos\xc3\xa9; sid=1"], Some(b"1")),
        (&[b"name=Jos\xe9;sid=1"], Some(b"1")),
        (&[b"name=Jos\xe9", b"a; sid=\"1\"; sid=2"], Some(b"1")),
        (&[b"sid=\xff\xfe"], Some(b"\xff\xfe")),
        (&[b"sid=a=b"], Some(b"a=b")),
        (&[b" sid=1 ;"], Some(b"1")),
        (&[b"sid="], Some(b"")),
        (&[b"xsid=1; sidx=2; sid; SID=3"], None),
        (&[b""], None),
        (&[], None),
    ] {
        assert_eq!(cookie_value(&headers(lines), b"sid"), value, "{lines:?}");
    }
}

#[test]
fn a_client_with_its_cookie_is_given_no_other() {
    let cookie = HashCookie { name: "sid".into(), ttl: Some(std::time::Duration::from_secs(60)), path: "/".into() };
    for line in [b"sid=1; name=x".as_slice(), b"name=Jos\xc3\xa9; sid=1", b"name=Jos\xe9; sid=1"] {
        let mut given = Vec::new();
        let hash = cookie_hash(&headers(&[line]), &cookie, &|| 7, &mut given);
        assert_eq!((hash, given), (Some(hash_of(b"1")), Vec::new()), "{line:?}");
    }
}

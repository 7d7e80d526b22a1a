use backstay_model::route::guards::TokenValidation;
use backstay_proto::config::{self, key_set};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

fn wanted(header: &str, cookie: &str) -> TokenValidation {
    let keys = br#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#;
    let message = config::TokenValidation {
        keys: Some(config::KeySet { source: Some(key_set::Source::Inline(keys.to_vec().into())) }),
        algorithm: "HS256".into(),
        header: header.into(),
        cookie: cookie.into(),
        ..config::TokenValidation::default()
    };
    TokenValidation::try_from(&message).unwrap()
}

fn find(wanted: &TokenValidation, lines: &[(&'static str, &'static str)]) -> Result<String, Refusal> {
    let lines = lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let headers: HeaderMap = lines.fold(HeaderMap::new(), |mut headers, (name, value)| {
        headers.append(name, value);
        headers
    });
    token(wanted, &headers).map(str::to_owned)
}

#[test]
fn a_token_is_in_the_header_else_in_the_cookie() {
    let plain = wanted("", "session");
    for (lines, found) in [
        (&[("authorization", "Bearer a.b.c")] as &[_], Ok("a.b.c")),
        (&[("authorization", "bEARER a.b.c")], Ok("a.b.c")),
        (&[("authorization", "Bearer   a.b.c")], Ok("a.b.c")),
        (&[("authorization", "a.b.c")], Ok("a.b.c")),
        (&[("authorization", "Basic abc")], Ok("Basic abc")),
        (&[("authorization", "Bearer")], Ok("Bearer")),
        (&[("authorization", ""), ("cookie", "session=x.y.z")], Ok("x.y.z")),
        (&[("cookie", "a=1; session=x.y.z; b=2")], Ok("x.y.z")),
        (&[("cookie", "a=1"), ("cookie", "session=\"x.y.z\"")], Ok("x.y.z")),
        (&[("authorization", "Bearer a.b.c"), ("cookie", "session=x.y.z")], Ok("a.b.c")),
        (&[("cookie", "Session=x.y.z")], Err(Refusal::Missing)),
        (&[("cookie", "session=")], Err(Refusal::Missing)),
        (&[], Err(Refusal::Missing)),
        (&[("authorization", "Bearer a"), ("authorization", "Bearer b")], Err(Refusal::Malformed("there are several"))),
    ] {
        assert_eq!(find(&plain, lines), found.map(str::to_owned), "{lines:?}");
    }
}

#[test]
fn another_header_and_no_cookie() {
    let other = wanted("X-Token", "");
    assert_eq!(find(&other, &[("authorization", "Bearer a"), ("x-token", "Bearer b")]), Ok("b".into()));
    assert_eq!(find(&other, &[("cookie", "access_token=b")]), Err(Refusal::Missing));
}

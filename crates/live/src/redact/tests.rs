use http::{HeaderName, HeaderValue};

use super::{HIDDEN, header, path};

#[test]
fn credentials_are_told_to_nobody() {
    let told = |name: &'static str| header(&HeaderName::from_static(name), &HeaderValue::from_static("abc"));
    for name in ["authorization", "cookie", "fastly-key", "x-api-key", "x-my-session-token", "x-amz-signature"] {
        assert_eq!(told(name), HIDDEN, "{name}");
    }
    assert_eq!(told("user-agent"), "abc");
    assert_eq!(
        path("/a?access_token=1&b=2&Key=3&c=&sig=4"),
        "/a?access_token=[hidden]&b=2&Key=[hidden]&c=&sig=[hidden]"
    );
    assert_eq!(path("/a?%74oken=1"), "/a?%74oken=[hidden]");
    assert_eq!(path("/token/1?a"), "/token/1?a");
}

#[test]
fn what_is_long_is_cut() {
    let long = format!("/{}", "é".repeat(4000));
    assert!(path(&long).len() < 2100);
    assert!(path(&long).ends_with('…'));
}

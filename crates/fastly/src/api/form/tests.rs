use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(content_type: Option<&str>, body: &str) -> Result<Fields, Malformed> {
    Fields::read(content_type, body.as_bytes())
}

#[test]
fn a_body_is_read_for_what_it_is() {
    let form = read(Some("application/x-www-form-urlencoded"), "name=a+b%2Fc&port=80&headers[]=x&headers[]=y").unwrap();
    assert_eq!(form.get("name"), Some(&json!("a b/c")));
    assert_eq!(form.get("headers"), Some(&json!(["x", "y"])));
    assert_eq!(read(None, "port=80").unwrap().get("port"), Some(&json!("80")));
    assert_eq!(read(None, " {\"port\":80}").unwrap().get("port"), Some(&json!(80)));
    assert_eq!(read(Some("application/json; charset=utf-8"), "{\"a\":null}").unwrap().get("a"), Some(&Value::Null));
    assert_eq!(read(Some("application/json"), ""), Ok(Fields::default()));
    assert_eq!(read(Some("application/json"), "null"), Ok(Fields::default()));
    assert_eq!(read(Some("application/json"), "[1]"), Err(Malformed::NoObject));
    assert!(matches!(read(Some("application/json"), "{"), Err(Malformed::Json(_))));
    // A form may well begin with a brace, when it says that it is one.
    assert_eq!(read(Some("application/x-www-form-urlencoded"), "{a=1").unwrap().get("{a"), Some(&json!("1")));
}

proptest! {
    #[test]
    fn no_body_is_too_odd(kind in proptest::option::of("[ -~]{0,40}"), body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Fields::read(kind.as_deref(), &body);
    }

    #[test]
    fn what_a_client_encodes_is_what_is_read(pairs in proptest::collection::btree_map("[a-z]{1,8}", ".{0,40}", 0..10)) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let fields = read(None, &body).unwrap();
        prop_assert_eq!(fields.iter().count(), pairs.len());
        for (name, value) in &pairs {
            prop_assert_eq!(fields.text(name), Some(value.as_str()));
        }
    }
}

use serde_json::json;

use super::{DecodeError, decode};

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    field.extend_from_slice(bytes);
    field
}

fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &meta), field(2, raw), field(3, b""), field(4, b"")].concat()
}

#[test]
fn secrets_with_their_bytes() {
    let label = field(11, &[field(1, b"app"), field(2, b"web")].concat());
    let metadata = [field(1, b"s"), field(2, b""), label, field(14, b"a.b/c")].concat();
    let entry = [field(1, b"k"), field(2, &[0xff, 0x00])].concat();
    let raw = [field(1, &metadata), field(2, &entry), field(3, b"Opaque"), vec![5 << 3, 1]].concat();
    assert_eq!(
        decode(&envelope("v1", "Secret", &raw)).unwrap(),
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "s", "labels": {"app": "web"}, "finalizers": ["a.b/c"]},
            "data": {"k": "/wA="}, "type": "Opaque", "immutable": true,
        })
    );
}

#[test]
fn nothing_that_is_malformed_is_read() {
    let good = envelope("v1", "Namespace", &field(1, &field(1, b"prod")));
    assert!(decode(&good).is_ok());
    for end in 4..good.len() - 4 {
        // Cut at the end of a field, what is left may be well formed, of an unknown type.
        assert!(
            decode(&good[..end]).is_err() || decode(&good[..end]).is_ok_and(|value| value != decode(&good).unwrap())
        );
    }
    assert_eq!(decode(b"").unwrap_err(), DecodeError::Malformed);
    // A number of more than 64 bits, and a field that is numbered 0.
    let immutable = |number: &[u8]| [&[5 << 3], number].concat();
    let large = immutable(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    assert!(decode(&envelope("v1", "Secret", &large)).is_ok());
    let larger = immutable(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]);
    assert_eq!(decode(&envelope("v1", "Secret", &larger)).unwrap_err(), DecodeError::Malformed);
    assert_eq!(decode(&envelope("v1", "Secret", &field(0, b"x"))).unwrap_err(), DecodeError::Malformed);
    assert_eq!(decode(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err(), DecodeError::Malformed);
}

#[test]
fn unknown_types_are_named() {
    let error = decode(&envelope("v1", "Pod", b"")).unwrap_err();
    assert_eq!(error, DecodeError::UnknownType { api_version: "v1".into(), kind: "Pod".into() });
}

#[test]
fn delete_options_with_all_that_they_may_say() {
    let preconditions = [field(1, b"uid-1"), field(2, b"7")].concat();
    let raw =
        [vec![1 << 3, 0], field(2, &preconditions), field(4, b"Orphan"), field(5, b"All"), vec![6 << 3, 1]].concat();
    assert_eq!(
        decode(&envelope("v1", "DeleteOptions", &raw)).unwrap(),
        json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
            "preconditions": {"uid": "uid-1", "resourceVersion": "7"}, "propagationPolicy": "Orphan", "dryRun": ["All"],
            "ignoreStoreReadErrorWithClusterBreakingPotential": true,
        })
    );
}

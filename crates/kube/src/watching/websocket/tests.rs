use bytes::BytesMut;

use super::{CLOSE, PING, Received, TEXT, accept_of, frame, parse};

/// A frame as a client sends it, masked with zeroes but for the first byte.
fn masked(first: u8, payload: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::from(&[first, 0x80 | u8::try_from(payload.len()).unwrap(), 1, 0, 0, 0][..]);
    bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ u8::from(index % 4 == 0)));
    bytes
}

#[test]
fn the_answer_to_a_key_is_that_of_the_rfc() {
    assert_eq!(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn lengths_have_three_forms() {
    for (length, head) in [(5, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let mut out = Vec::new();
        frame(TEXT, &vec![b'x'; length], &mut out);
        assert_eq!((out.len(), out[0]), (length + head, 0x81), "{length}");
    }
}

#[test]
fn frames_are_read_one_by_one_however_they_arrive() {
    let mut whole = masked(0x80 | PING, b"hello");
    whole.extend(masked(0x80 | TEXT, b"no matter"));
    whole.extend(masked(0x80 | CLOSE, b""));
    let mut buffer = BytesMut::new();
    let mut seen = Vec::new();
    for byte in whole {
        buffer.extend([byte]);
        seen.extend(parse(&mut buffer));
    }
    assert_eq!(seen, [Received::Ping(b"hello".to_vec()), Received::Other, Received::Close]);
}

#[test]
fn what_is_no_client_of_the_protocol_is_told_so() {
    let unmasked = &mut BytesMut::from(&[0x81, 1, b'x'][..]);
    assert_eq!(parse(unmasked), Some(Received::Wrong(1002)));
    let huge = &mut BytesMut::from(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0][..]);
    assert_eq!(parse(huge), Some(Received::Wrong(1009)));
    assert_eq!(parse(&mut masked(0x80 | 5, b"")), Some(Received::Wrong(1002)));
}

use bytes::Bytes;
use proptest::prelude::*;

use super::{Decoder, Part};
use crate::head::HeadLimits;

const LIMITS: HeadLimits = HeadLimits { max_size: 100, max_headers: 3 };

/// The data, the trailers, and what is left over.
type Decoded = (Vec<u8>, Option<String>, Vec<u8>);

/// What `decoder` makes of `pieces`. The error is its text.
fn decode(mut decoder: Decoder, pieces: &[&[u8]]) -> Result<Decoded, String> {
    let (mut data, mut trailers) = (Vec::new(), None);
    let mut pieces = pieces.iter();
    let mut input = Bytes::new();
    loop {
        match decoder.decode(&mut input, LIMITS).map_err(|error| error.to_string())? {
            Part::Data(part) => {
                assert!(!part.is_empty());
                data.extend_from_slice(&part);
            }
            Part::Trailers(all) => {
                let lines = all.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap()));
                trailers = Some(lines.collect::<Vec<_>>().join(" "));
            }
            Part::End => {
                let rest = pieces.flat_map(|piece| piece.iter().copied());
                return Ok((data, trailers, input.iter().copied().chain(rest).collect()));
            }
            Part::More => match pieces.next() {
                Some(piece) => input = Bytes::copy_from_slice(piece),
                None => decoder.end().map_err(|error| error.to_string())?,
            },
        }
    }
}

fn chunks(text: &str) -> Result<String, String> {
    let whole = decode(Decoder::chunked(), &[text.as_bytes()]);
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(decode(Decoder::chunked(), &bytes), whole, "byte by byte it is the same");
    let (data, trailers, rest) = whole?;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ok(format!("{}|{}|{}", text(data), trailers.unwrap_or_default(), text(rest)))
}

#[test]
fn chunks_are_joined() {
    for (chunked, expected) in [
        ("0\r\n\r\n", "||"),
        ("3\r\nabc\r\n0\r\n\r\n", "abc||"),
        ("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nmore", "abc0123456789||more"),
        ("003;name=\"value\"\r\nabc\r\n0;last\r\n\r\n", "abc||"),
        ("3 \r\nabc\r\n0\r\n\r\n", "abc||"),
        ("1\r\na\r\n0\r\nx-a: 1\r\nx-b: 2\r\n\r\nmore", "a|x-a=1 x-b=2|more"),
    ] {
        assert_eq!(chunks(chunked).as_deref(), Ok(expected), "{chunked:?}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let long = "x".repeat(20_000);
    for (chunked, expected) in [
        ("", "closed the connection"),
        ("3\r\nab", "closed the connection"),
        ("3\r\nabc\r\n0\r\n", "closed the connection"),
        ("\r\n", "is no number"),
        ("x\r\n", "is no number"),
        ("-1\r\n", "is no number"),
        ("+1\r\na", "is no number"),
        ("0x1\r\na", "is no number"),
        ("1_0\r\na", "is no number"),
        ("3\nabc\r\n", "is no number"),
        ("3;\nabc\r\n", "ends with no CRLF"),
        ("3\rabc", "ends with no CRLF"),
        ("3\r\nabcd\r\n", "ends with no CRLF"),
        ("3\r\nabc\n0\r\n\r\n", "ends with no CRLF"),
        ("00000000000000001\r\na", "too large"),
        (&format!("1;{long}\r\na\r\n0\r\n\r\n"), "too many chunk extensions"),
        ("0\r\n\n", "ends with no CRLF"),
        ("0\r\nx-a: 1\n\n", "ends with no CRLF"),
        ("0\r\nno header\r\n\r\n", "trailers are malformed"),
        ("0\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n\r\n", "trailers are malformed"),
        (&format!("0\r\nx-a: {long}\r\n\r\n"), "larger than max_head_size"),
    ] {
        let error = chunks(chunked).unwrap_err();
        assert!(error.contains(expected), "{chunked:.40?}: {error}");
    }
}

#[test]
fn a_length_is_a_length() {
    let whole = |left, text: &str| decode(Decoder::of_length(left), &[text.as_bytes()]);
    assert_eq!(whole(0, "abc").unwrap(), (vec![], None, b"abc".to_vec()));
    assert_eq!(whole(2, "abc").unwrap(), (b"ab".to_vec(), None, b"c".to_vec()));
    assert!(whole(4, "abc").unwrap_err().contains("closed the connection"));
    assert!(whole(u64::MAX, "abc").unwrap_err().contains("closed the connection"));
}

#[test]
fn without_a_length_the_connection_ends_it() {
    assert_eq!(decode(Decoder::UntilClose, &[b"ab", b"c"]).unwrap(), (b"abc".to_vec(), None, vec![]));
}

proptest! {
    #[test]
    fn any_chunks_in_any_pieces_are_the_same_body(
        body in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..70), 0..9),
        cuts in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let mut text = Vec::new();
        for chunk in &body {
            text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            text.extend_from_slice(chunk);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\n\r\nnext");
        let mut pieces = Vec::new();
        let mut rest = &text[..];
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(decode(Decoder::chunked(), &pieces), Ok((body.concat(), None, b"next".to_vec())));
    }

    #[test]
    fn nothing_that_an_endpoint_sends_breaks_more_than_its_answer(junk in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(Decoder::chunked(), &[&junk]);
        let _ = decode(Decoder::chunked(), &[b"5\r\nabcde\r\n0\r\n", &junk]);
    }
}

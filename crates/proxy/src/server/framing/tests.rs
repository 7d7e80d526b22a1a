use proptest::prelude::*;

use super::*;

/// The whole of a connection, looked at in parts of these sizes, and then the rest.
fn verdict(bytes: &[u8], parts: impl IntoIterator<Item = usize>) -> Option<usize> {
    let mut framing = Framing::new();
    let mut start = 0_usize;
    for part in parts.into_iter().chain([usize::MAX]) {
        let end = start.saturating_add(part).min(bytes.len());
        if let Err(Violation(at)) = framing.look(&bytes[start..end]) {
            return Some(start + at);
        }
        start = end;
    }
    None
}

const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\n";

/// What is wrong in these is at the end of each.
#[test]
fn the_first_byte_that_may_not_be_there_is_found() {
    let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n");
    let in_heads = [
        "Content-Length: 3\r\nContent-Length:",
        "Content-Length: 3\r\nTransfer-Encoding:",
        "Transfer-Encoding: chunked\r\ncontent-length:",
        "Transfer-Encoding: gzip\r\ncontent-length:",
        "Content-Length: 3,",
        "Content-Length: 3 3",
        "Content-Length: +",
        "Content-Length: 18446744073709551616",
        "Content-Length: \r",
        "Content-Length: 3\n",
        "Transfer-Encoding: chunked\n",
        "X: y\n",
        "X: y\r\n\n",
        "X: y\r\n\r\r",
    ];
    let in_chunks = [
        "\r",
        "\n",
        ";",
        "x",
        " ",
        "3\n",
        "3x",
        "3;a\n",
        "3;a\0",
        "3;a\rb",
        "3 4",
        "11111111111111111",
        "3\r\nabcd",
        "3\r\nabc\n",
        "3\r\nabc\r\r",
        "0\r\n\n",
        "0\r\n\r\r",
        "0\r\n:",
        "0\r\n ",
        "0\r\nX\r",
        "0\r\nX ",
        "0\r\nX: y\n",
        "0\r\nX: y\0",
        "0\r\nX: y\rz",
        "0\r\nX: y\r\n ",
        "0\r\nX: y\r\n\n",
        "0\r\nX: y\r\n\r\nGET / HTTP/1.1\n",
    ];
    let heads = in_heads.iter().map(|end| format!("{HEAD}{end}"));
    let mut all: Vec<String> = heads.chain(in_chunks.iter().map(|end| chunked.clone() + end)).collect();
    all.extend(["\n", "\r\n\n", "\r\r", "GET / HTTP/1.1\n"].map(str::to_owned));
    for text in all {
        for before in ["", "\r\n", "GET / HTTP/1.1\r\nCookie: a\r\n\r\n", &format!("{HEAD}Content-Length: 1\r\n\r\n\n")]
        {
            let whole = format!("{before}{text}rest");
            assert_eq!(verdict(whole.as_bytes(), []), Some(before.len() + text.len() - 1), "{whole:?}");
        }
    }
}

#[test]
fn what_is_right_passes() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.0\r\nConnection: close\r\nTE: trailers\r\nCookie: c\r\nTransfer: t\r\n\r\n",
        &format!("{HEAD}Content-Length: 0\r\n\r\n"),
        &format!("{HEAD}cOnTent-lenGTH:\t 003 \t\r\n\r\n\n\0\n"),
        &format!(
            "{HEAD}Transfer-Encoding: \tChunked \r\n\r\n3\r\n\n\n\n\r\nA;b=\"c\";d\r\n0123456789\r\n00 \r\nX:\r\nY: z\r\n\r\n"
        ),
        &format!("{HEAD}Content-Length-X: 3, 3\r\nContent-Lengt: 3\r\n\r\n"),
    ] {
        assert_eq!(verdict(text.repeat(3).as_bytes(), []), None, "{text:?}");
    }
}

#[test]
fn after_another_coding_than_chunked_nothing_is_looked_at() {
    for coding in [
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "",
        "chunkedx",
        "chunke",
        "chunked x",
        "chunked\r\nTransfer-Encoding: chunked",
    ] {
        let text = format!("{HEAD}Transfer-Encoding: {coding}\r\n\r\n\n\n\0");
        assert_eq!(verdict(text.as_bytes(), []), None, "{coding:?}");
    }
}

#[test]
fn the_largest_length_and_size_are_followed() {
    for text in
        ["Content-Length: 9223372036854775807\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"]
    {
        assert_eq!(verdict(format!("{HEAD}{text}\n\n\n").as_bytes(), []), None);
    }
}

proptest! {
    /// What is seen at a glance is what is seen when looked at closely, wherever its lines end.
    #[test]
    fn a_glance_sees_no_more_than_there_is(
        lines in prop::collection::vec("[A-Zc]{1,9}(ontent-Length|ransfer-Encoding|-X)?: [a-z0-9]{0,40}", 1..6),
        end in prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\n\r\n"]),
        which in any::<prop::sample::Index>(),
    ) {
        let which = which.index(lines.len());
        let lines = lines.iter().enumerate().map(|(at, line)| format!("{line}{}", if at == which { end } else { "\r\n" }));
        let text = format!("GET / HTTP/1.1\r\nHost: some.example\r\nUser-Agent: none\r\n{}\r\n", lines.collect::<String>());
        if plain::is_head_alone(text.as_bytes()) {
            let mut framing = Framing::new();
            prop_assert_eq!(framing.look_closely(text.as_bytes()), Ok(()));
            prop_assert_eq!(framing.next, Next::Request);
            prop_assert_eq!(text.matches("\r\n\r\n").count(), 1);
            prop_assert!(!["\nContent-Length:", "\nTransfer-Encoding:"].iter().any(|field| text.contains(field)));
        }
    }
}

#[test]
fn most_heads_are_known_at_a_glance() {
    for head in [
        "GET /small HTTP/1.1\r\nHost: upstream.test\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nCookie: a=b; c=d\r\nCache-Control: no-cache\r\nTE: trailers\r\n\r\n",
    ] {
        assert!(plain::is_head_alone(head.as_bytes()), "{head:?}");
        for wrong in [
            &head[1..head.len() - 1],
            &head.replace("Host:", "Content-Length:"),
            &head.replace("Host:", "transfer-encoding:"),
            &head.replace("\r\nHost", "\nHost"),
            &head.replace("\r\n\r\n", "\n\r\n"),
            &head.replace("\r\n\r\n", "\r\n\n"),
            &format!("\r\n{head}"),
            &format!("{head}{head}"),
            &format!("{head}\r\n"),
        ] {
            assert!(!plain::is_head_alone(wrong.as_bytes()), "{wrong:?}");
        }
    }
}

/// A piece of what a client may send.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "content-length:\t4 \r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: \r\n",
        "Transfer-Encoding: chunked\r\n",
        "TRANSFER-ENCODING:CHUNKED \r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Te: trailers\r\n",
        "Cookie: a\r\n",
        "abc",
        "3\r\nabc\r\n",
        "4;x=\"y\"\r\n",
        "1 ; a\r\n\n\r\n",
        "0\r\n",
        "X: y\r\n",
        "X y\r\n",
        "\n",
        "\r",
        "\0",
    ]);
    let length = "[a\n]{0,20}";
    let whole = prop_oneof![
        Just("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        length.prop_map(|body| format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len())),
        (prop::collection::vec("[a\n]{1,20}", 0..3), "(X: y\r\n){0,2}").prop_map(|(chunks, trailers)| {
            let chunks: String = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n{trailers}\r\n")
        }),
    ];
    prop_oneof![2 => fixed.prop_map(str::to_owned), 1 => whole]
}

/// Pieces, and perhaps one byte of them that is another.
fn connection() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"\r\n\0 \t:;,0aG\xff".to_vec());
    (prop::collection::vec(piece(), 1..12), prop::option::of((any::<prop::sample::Index>(), byte))).prop_map(
        |(pieces, change)| {
            let mut text = pieces.concat().into_bytes();
            if let Some((at, byte)) = change {
                let at = at.index(text.len());
                text[at] = byte;
            }
            text
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_cut_gives_the_same_verdict(text in connection(), parts in prop::collection::vec(1..9_usize, 0..200)) {
        prop_assert_eq!(verdict(&text, parts), verdict(&text, []));
        prop_assert_eq!(verdict(&text, text.iter().map(|_| 1)), verdict(&text, []));
    }

    #[test]
    fn a_reader_of_the_whole_text_agrees(text in connection()) {
        let found = verdict(&text, []);
        match naive::judge(&text) {
            Some(wrong) => prop_assert_eq!(found.is_some(), wrong, "{:?} {:?}", String::from_utf8_lossy(&text), found),
            // Only the line that has no end yet may be found wrong.
            None => prop_assert!(
                found.is_none_or(|at| !text[at..].contains(&b'\n')),
                "{:?} {:?}", String::from_utf8_lossy(&text), found
            ),
        }
    }
}

/// Whether something is wrong, found by cutting the whole text at its line ends.
mod naive {
    /// What is left of a text is not all of a request, or not right.
    enum Stop {
        Incomplete,
        Wrong,
        /// Nothing that follows is looked at.
        Last,
    }

    /// The next line without its end, and the rest.
    fn line(text: &[u8]) -> Result<(&[u8], &[u8]), Stop> {
        let Some(end) = text.iter().position(|byte| *byte == b'\n') else { return Err(Stop::Incomplete) };
        match text[..end].strip_suffix(b"\r") {
            // An empty line has one CR.
            None | Some([b'\r', ..]) => Err(Stop::Wrong),
            Some(line) => Ok((line, &text[end + 1..])),
        }
    }

    fn blank(byte: &u8) -> bool {
        matches!(byte, b' ' | b'\t')
    }

    fn trimmed(value: &[u8]) -> &[u8] {
        let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
        let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
        &value[start..end]
    }

    fn field<'l>(line: &'l [u8], name: &str) -> Option<&'l [u8]> {
        let (before, after) = line.split_at_checked(name.len())?;
        before.eq_ignore_ascii_case(name.as_bytes()).then(|| after.strip_prefix(b":")).flatten()
    }

    fn text(line: &[u8]) -> bool {
        line.iter().all(|byte| *byte == b'\t' || (0x20..0x7f).contains(byte) || *byte >= 0x80)
    }

    fn request(mut rest: &[u8]) -> Result<&[u8], Stop> {
        let mut first;
        loop {
            (first, rest) = line(rest)?;
            if !first.is_empty() {
                break;
            }
        }
        let (mut lengths, mut codings) = (Vec::new(), Vec::new());
        loop {
            let header;
            (header, rest) = line(rest)?;
            if header.is_empty() {
                break;
            }
            if let Some(value) = field(header, "content-length") {
                let digits = std::str::from_utf8(trimmed(value)).map_err(|_| Stop::Wrong)?;
                let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                lengths.push(
                    digits.and_then(|digits| u64::try_from(digits.parse::<i64>().ok()?).ok()).ok_or(Stop::Wrong)?,
                );
            }
            codings.extend(field(header, "transfer-encoding").map(trimmed));
            if codings.last().is_some_and(|coding| coding.contains(&b'\r')) {
                return Err(Stop::Wrong);
            }
            if lengths.len() + usize::from(!codings.is_empty()) > 1 {
                return Err(Stop::Wrong);
            }
        }
        match codings[..] {
            [only] if only.eq_ignore_ascii_case(b"chunked") => chunks(rest),
            [] => {
                let length = usize::try_from(lengths.first().copied().unwrap_or_default()).unwrap();
                rest.get(length..).ok_or(Stop::Incomplete)
            }
            _ => Err(Stop::Last),
        }
    }

    fn chunks(mut rest: &[u8]) -> Result<&[u8], Stop> {
        loop {
            let size;
            (size, rest) = line(rest)?;
            let (digits, extension) = match size.iter().position(|byte| *byte == b';') {
                Some(at) => size.split_at(at),
                None => (size, &b""[..]),
            };
            let end = digits.iter().position(blank).unwrap_or(digits.len());
            let (digits, blanks) = digits.split_at(end);
            if !(1..=16).contains(&digits.len())
                || !digits.iter().all(u8::is_ascii_hexdigit)
                || !blanks.iter().all(blank)
                || !text(extension)
            {
                return Err(Stop::Wrong);
            }
            let size = u64::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
            if size == 0 {
                break;
            }
            let size = usize::try_from(size).unwrap();
            rest = rest.get(size..).ok_or(Stop::Incomplete)?;
            rest = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [] | [b'\r'] => return Err(Stop::Incomplete),
                _ => return Err(Stop::Wrong),
            };
        }
        loop {
            let trailer;
            (trailer, rest) = line(rest)?;
            if trailer.is_empty() {
                return Ok(rest);
            }
            let colon = trailer.iter().position(|byte| *byte == b':').ok_or(Stop::Wrong)?;
            let (name, value) = trailer.split_at(colon);
            if name.is_empty() || http::HeaderName::from_bytes(name).is_err() || name.contains(&b'"') || !text(value) {
                return Err(Stop::Wrong);
            }
        }
    }

    /// Whether something is wrong. `None` if the text ends within a request of which all that is there is right, but for the
    /// line that has no end yet.
    pub(super) fn judge(mut text: &[u8]) -> Option<bool> {
        while !text.is_empty() {
            match request(text) {
                Ok(rest) => text = rest,
                Err(Stop::Wrong) => return Some(true),
                Err(Stop::Last) => return Some(false),
                Err(Stop::Incomplete) => return None,
            }
        }
        Some(false)
    }
}

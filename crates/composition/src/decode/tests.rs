//! What holds of every decoder, whatever it is given.

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::document::{Allow, Uncovered};
use crate::encode::Encoder;
use crate::pipeline::{ArrayTargets, Change, Mapping, Operation, Operations, Path, Pipeline, Selection};

const DECODERS: [Decoder; 8] = [
    Decoder::Json(Collection::No),
    Decoder::Json(Collection::Yes),
    Decoder::SafeJson,
    Decoder::Xml(Collection::No),
    Decoder::Xml(Collection::Yes),
    Decoder::Feed,
    Decoder::Text,
    Decoder::Opaque,
];

const ENCODERS: [Encoder; 6] =
    [Encoder::Json, Encoder::JsonCollection, Encoder::Xml, Encoder::Yaml, Encoder::Negotiate, Encoder::Text];

fn pipelines() -> Vec<Pipeline> {
    let allow = Selection::Allow(Allow::new(["a", "b.a", "collection"]));
    let operations = vec![
        Operation::Move(Path::new("a.*.b"), Path::new("b")),
        Operation::Move(Path::new("*.a"), Path::new("*.x.y.z")),
        Operation::Append(Path::new("a"), Path::new("b")),
        Operation::Delete(vec![Path::new("b.*.a"), Path::new("x.0")]),
    ];
    let operate = Change::Operate(Operations::new(operations).expect("operations"));
    vec![
        Pipeline::default(),
        Pipeline::default().with_change(Change::Select(allow, Mapping::new([("a", "b"), ("b", "c")]))),
        Pipeline::default().with_target("a", ArrayTargets::Collection).with_group("g"),
        Pipeline::default().with_change(operate),
    ]
}

/// Decodes, changes and encodes in every way there is. What is written as JSON has to be JSON.
fn all_ways(body: &[u8]) {
    let limits = Limits { depth: 20, values: 200, ..Limits::default() };
    for decoder in DECODERS {
        for pipeline in pipelines() {
            for uncovered in [Uncovered::No, Uncovered::Yes] {
                let Ok(data) = pipeline.run(decoder, Bytes::copy_from_slice(body), uncovered, &limits) else {
                    continue;
                };
                for encoder in ENCODERS {
                    let written = encoder.encode(data.clone(), &HeaderMap::new()).body;
                    if matches!(encoder, Encoder::Json | Encoder::JsonCollection) {
                        let read = serde_json::from_slice::<serde_json::Value>(&written);
                        let beyond = read.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
                        assert!(read.is_ok() || beyond, "{}", String::from_utf8_lossy(&written));
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(body in prop::collection::vec(any::<u8>(), 0..48)) {
        all_ways(&body);
    }

    #[test]
    fn what_is_nearly_json_is_decoded_or_refused(body in "[\\[\\]{}\",:0-9ab\\\\u ]{0,32}") {
        all_ways(body.as_bytes());
    }

    #[test]
    fn what_is_nearly_xml_is_decoded_or_refused(body in "(<a>|</a>|<b a='1'>|</b>|<rss>|<channel>|<item>|<feed>|<entry>|<!\\[CDATA\\[|\\]\\]>|<!--|-->|<\\?xml |&amp;|&|x|<|>){0,12}") {
        all_ways(body.as_bytes());
    }

    #[test]
    fn what_is_xml_is_decoded(text in "[a-z&&[^x]]{1,3}", attribute in "[a-z]{0,3}") {
        let body = format!("<r v=\"{attribute}\"><e>{text}</e><e/></r>");
        let data = Pipeline::default().run(Decoder::Xml(Collection::No), body.into(), Uncovered::No, &Limits::default());
        let written = Encoder::Json.encode(data.expect("it is XML"), &HeaderMap::new()).body;
        let expected = format!("{{\"r\":{{\"-v\":\"{attribute}\",\"e\":[\"{text}\",\"\"]}}}}");
        prop_assert_eq!(String::from_utf8_lossy(&written), expected);
    }
}

fn refused(decoder: Decoder, body: impl Into<Bytes>, limits: &Limits) -> String {
    let data = Pipeline::default().run(decoder, body.into(), Uncovered::No, limits);
    data.expect_err("it is refused").to_string()
}

#[test]
fn limits_hold_of_xml_and_of_feeds_as_well() {
    let limits = Limits { depth: 10, values: 30, response_bytes: 2000, ..Limits::default() };
    let deep = |depth: usize| format!("{}{}", "<rss>".repeat(depth), "</rss>".repeat(depth));
    let many = |count: usize| format!("<rss>{}</rss>", "<a b='1'/>".repeat(count));
    for decoder in [Decoder::Xml(Collection::No), Decoder::Feed] {
        let run = |body: String| Pipeline::default().run(decoder, body.into(), Uncovered::No, &limits).map(|_| ());
        assert_eq!(run(deep(10)), Ok(()));
        assert_eq!(refused(decoder, deep(11), &limits), "exceeded max depth");
        assert_eq!(run(many(14)), Ok(()));
        assert_eq!(refused(decoder, many(15), &limits), "the answer has more than 30 values");
        assert_eq!(refused(decoder, " ".repeat(2001), &limits), "the answer is longer than 2000 bytes");
    }
}

#[test]
fn documents_cannot_define_what_grows() {
    let body = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
    let refusal = refused(Decoder::Xml(Collection::No), body, &Limits::default());
    assert_eq!(refusal, "xml.Decoder.Token() - XML syntax error on line 1: invalid character entity &c;");
    // Bytes of another encoding become up to three each: what comes of them is what is limited.
    let mut latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>".to_vec();
    latin.resize(900, 0xE9);
    latin.extend_from_slice(b"</a>");
    let limits = Limits { response_bytes: 1000, ..Limits::default() };
    assert_eq!(refused(Decoder::Xml(Collection::No), latin, &limits), "the answer is longer than 1000 bytes");
}

#[test]
fn what_is_wrong_with_xml_is_told_with_its_line() {
    let cases = [
        ("<a>\n<b>\n</c></a>", "XML syntax error on line 3: element <b> closed by </c>"),
        ("<a>\n&nope;</a>", "XML syntax error on line 2: invalid character entity &nope;"),
        ("<a>\n", "XML syntax error on line 2: unexpected EOF"),
        ("<", "XML syntax error on line 1: unexpected EOF"),
        ("<a b=1/>", "XML syntax error on line 1: unquoted or missing attribute value in element"),
        ("<a b/>", "XML syntax error on line 1: attribute name without = in element"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "xml: encoding \"klingon\" is not known"),
    ];
    for (body, expected) in cases {
        let refusal = refused(Decoder::Xml(Collection::No), body, &Limits::default());
        assert_eq!(refusal, format!("xml.Decoder.Token() - {expected}"), "{body}");
    }
    assert_eq!(refused(Decoder::Xml(Collection::No), "", &Limits::default()), "EOF");
    assert_eq!(
        refused(Decoder::Xml(Collection::No), &b"<a>\xff</a>"[..], &Limits::default()),
        "xml.Decoder.Token() - XML syntax error: invalid UTF-8"
    );
}

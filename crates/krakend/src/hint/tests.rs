use super::closest;

#[test]
fn misspellings_are_found_and_other_words_are_not() {
    let words = ["method", "input_headers", "output_encoding", "jwk_url", "max_rate", "host"];
    for (written, meant) in [
        ("methode", Some("method")),
        ("metohd", Some("method")),
        ("Method", Some("method")),
        ("header_input", None),
        ("inputHeaders", Some("input_headers")),
        ("input-headers", Some("input_headers")),
        ("ouput_encoding", Some("output_encoding")),
        ("jwk-url", Some("jwk_url")),
        ("maxRate", Some("max_rate")),
        ("hsot", Some("host")),
        ("burst", None),
        ("", None),
        ("status_code", None),
    ] {
        assert_eq!(closest(written, words), meant, "{written}");
    }
    assert_eq!(closest(&"method".repeat(1_000), words), None);
}

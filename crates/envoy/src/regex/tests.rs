use super::portable;

#[test]
fn what_both_read_alike_is_sent_without_the_anchors() {
    for regex in
        [r"/a/\d+", "(?i)foo|bar", r"[a-z0-9_]{2,30}", r"(?P<id>\w+)/x", r"a\.b\x41", r"\bword\b", "[[:alpha:]]+"]
    {
        let whole = format!(r"\A(?:{regex})\z");
        assert_eq!(portable(&whole).as_deref(), Ok(regex));
    }
}

#[test]
fn what_re2_does_not_have_is_not_sent() {
    for regex in ["(?x)a b", r"[a-z&&[^b]]", r"[a--b]", r"\p{Greek}", r"\u{1F600}", r"\b{start}a", "a{1001}", "[[ab]c]"]
    {
        let whole = format!(r"\A(?:{regex})\z");
        assert!(portable(&whole).is_err(), "{regex}");
    }
}

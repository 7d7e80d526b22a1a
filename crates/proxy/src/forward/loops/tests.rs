use super::count;

#[test]
fn marks_are_found_wherever_they_are() {
    for (line, expected) in [
        ("", 0),
        ("own", 1),
        ("OWN", 1),
        ("owner, my-own, own.example", 0),
        ("own,own , own\t", 3),
        (",, own,", 1),
        ("cloudflare; loops=1, own, [2001:db8::1]:443, cdn.example:80; a=b; c=d", 1),
        ("own; hops=\"1, own\"", 1),
        ("own; a=\"\\\"\", own", 2),
        ("other;own=1", 0),
    ] {
        assert_eq!(count(line.as_bytes(), b"own"), Some(expected), "{line}");
    }
}

#[test]
fn what_could_hide_a_mark_is_no_list() {
    for line in [
        "\"",
        "a b",
        "a;",
        "a; b",
        "a; b=",
        "a; b=\"",
        "a; b=\"\\",
        "a; b=\"c\"d",
        "a; b=c d",
        ";",
        "; a=b",
        "own/x",
        "\"own\"",
        "a=b",
        "\u{e9}",
    ] {
        assert_eq!(count(line.as_bytes(), b"own"), None, "{line}");
    }
}

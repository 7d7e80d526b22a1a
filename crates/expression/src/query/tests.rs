use super::*;

#[test]
fn takes_the_first_of_a_name_and_decodes_both_sides() {
    assert_eq!(first(b"a=1&b=2&a=3", b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(first(b"x=&b+c=d%20e%2F", b"b c").as_deref(), Some(&b"d e/"[..]));
    assert_eq!(first(b"flag", b"flag").as_deref(), Some(&b""[..]));
    assert_eq!(first(b"a=b=c", b"a").as_deref(), Some(&b"b=c"[..]));
    assert_eq!(first(b"a=1", b"b"), None);
}

#[test]
fn a_broken_escape_stands_for_itself() {
    assert_eq!(first(b"a=%&b=%4&c=%zz&d=%e4", b"a").as_deref(), Some(&b"%"[..]));
    assert_eq!(first(b"b=%4", b"b").as_deref(), Some(&b"%4"[..]));
    assert_eq!(first(b"c=%zz", b"c").as_deref(), Some(&b"%zz"[..]));
    assert_eq!(first(b"d=%e4", b"d").as_deref(), Some(&b"\xe4"[..]));
}

use super::*;

#[test]
fn takes_the_first_of_a_name_and_decodes_both_sides() {
    assert_eq!(first("a=1&b=2&a=3", "a").as_deref(), Some(&b"1"[..]));
    assert_eq!(first("x=&b+c=d%20e%2F", "b c").as_deref(), Some(&b"d e/"[..]));
    assert_eq!(first("flag", "flag").as_deref(), Some(&b""[..]));
    assert_eq!(first("a=b=c", "a").as_deref(), Some(&b"b=c"[..]));
    assert_eq!(first("a=1", "b"), None);
}

#[test]
fn a_broken_escape_stands_for_itself() {
    assert_eq!(first("a=%&b=%4&c=%zz&d=%e4", "a").as_deref(), Some(&b"%"[..]));
    assert_eq!(first("b=%4", "b").as_deref(), Some(&b"%4"[..]));
    assert_eq!(first("c=%zz", "c").as_deref(), Some(&b"%zz"[..]));
    assert_eq!(first("d=%e4", "d").as_deref(), Some(&b"\xe4"[..]));
}

use super::Line::{self, Gone, New, Same};
use super::lines;

#[test]
fn what_changed_is_told_and_what_did_not_stays() {
    assert_eq!(lines("a\nb\nc", "a\nx\nc"), [Same("a"), Gone("b"), New("x"), Same("c")]);
    assert_eq!(lines("a\nb", "a\nb\nc"), [Same("a"), Same("b"), New("c")]);
    assert_eq!(lines("a", ""), [Gone("a")]);
    assert_eq!(lines("1\n2\n3\n4", "2\n3\n5\n4"), [Gone("1"), Same("2"), Same("3"), New("5"), Same("4")]);
}

#[test]
fn texts_that_are_too_long_are_told_as_changed() {
    let before: String = (0..3000).map(|line| format!("{line}\n")).collect();
    let now: String = (0..3000).map(|line| format!("{line}!\n")).collect();
    let told = lines(&before, &now);
    assert_eq!(told.len(), 6000);
    assert!(told.iter().all(|line| !matches!(line, Line::Same(_))));
}

//! Where a statement is wrong.

use super::refused;
use crate::condition::{MAX_DEPTH, MAX_REGEXES, MAX_STATEMENT};

#[test]
fn a_mistake_has_its_line_and_column() {
    let table = [
        (r#"req.url.ext =~ "css""#, "1:13 =~ is no operator of VCL: regular expressions are matched with ~"),
        (r#"req.url = "a""#, "1:9 = is no comparison: equality is =="),
        ("req.http.A & req.http.B", "1:12 & is no operator: both must hold is &&"),
        ("req.http.A | req.http.B", "1:12 | is no operator: one must hold is ||"),
        ("req.http.A;", "1:11 a condition is one expression, without a semicolon"),
        ("", "1:1 the condition ends where something is missing"),
        ("req.url ==", "1:11 the condition ends where something is missing"),
        ("req.http.A &&\n(req.http.B", "2:1 the parenthesis is not closed"),
        ("req.http.A)", "1:11 there is no place for ) here"),
        ("&& req.http.A", "1:1 && stands where a value is expected"),
        ("req.url == \"a\nb\"", "1:12 the text has no closing quote on its line"),
        ("req.url == {\"a", "1:12 the text has no closing \"}"),
        ("if (req.url) { }", "1:14 a condition is one expression, without blocks"),
        ("req.url == \"%ff\"", "1:13 the %xx of the text make no UTF-8"),
        ("req.url == \"a%00\"", "1:14 %00 would end the text"),
        ("req.url ~ \"é\" && req.url ~ \"(\"", "1:29 "),
        ("5s > 1", "1:1 5s is no whole number"),
        ("req.url §", "1:9 '§' means nothing here"),
        ("req.http.A /* x", "1:12 the comment does not end"),
    ];
    for (statement, expected) in table {
        assert!(refused(statement).starts_with(expected), "{statement}: {}", refused(statement));
    }
}

#[test]
fn what_would_take_too_much_is_refused() {
    let nested = |depth: usize| format!("{}req.url{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(super::made(&nested(MAX_DEPTH)), "target");
    assert!(refused(&nested(MAX_DEPTH + 1)).contains("nests deeper than"));
    assert!(refused(&format!("{}req.url", "!".repeat(100_000))).contains("longer than"));
    assert!(refused(&format!("{}req.url", "!".repeat(1000))).contains("nests deeper than"));
    let calls = |depth: usize| format!("{}req.url{} == \"a\"", "std.tolower(".repeat(depth), ")".repeat(depth));
    assert!(refused(&calls(MAX_DEPTH + 1)).contains("nests deeper than"));
    assert!(refused(&"a".repeat(MAX_STATEMENT + 1)).contains("longer than"));
    let many = |count: usize| vec![r#"req.url ~ "a""#; count].join("||");
    assert!(super::made(&many(MAX_REGEXES)).starts_with("any("));
    assert!(refused(&many(MAX_REGEXES + 1)).contains("more than 64 regular expressions"));
    assert!(refused(r#"req.url ~ "(a{1000}){1000}""#).contains("bytes when it is compiled"));
}

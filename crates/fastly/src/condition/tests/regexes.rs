//! Regular expressions of PCRE, as proxies have them.

use backstay_expression::Regex;
use backstay_proto::config::expression::Kind;

use super::{refused, scope};
use crate::condition::compile;

fn translated(pattern: &str) -> String {
    let statement = format!("req.url ~ {{\"{pattern}\"}}");
    match compile(&statement, &scope()).unwrap_or_else(|fault| panic!("{pattern}: {fault}")).kind {
        Some(Kind::RegexMatch(it)) => it.regex,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_pattern_matches_is_what_pcre_matches() {
    // Pattern, subjects that it matches, subjects that it does not.
    let table: [(&str, &[&str], &[&str]); 22] = [
        (r"^/a\/b$", &["/a/b"], &["/a/bc"]),
        (r"(?i)^/ABC", &["/abc"], &["/xabc"]),
        (r"a\ b", &["a b"], &["ab"]),
        (r"^[\w-]+$", &["a-b_1"], &["a.b"]),
        (r"^[\w-.]+$", &["a-b.c"], &["a/b"]),
        (r"^[]a]+$", &["]a"], &["b"]),
        (r"^[^]a]+$", &["bc"], &["]"]),
        (r"\.(jpe?g|png)(\?.*)?$", &["/a.jpg", "/a.png?x"], &["/a.pngx"]),
        (r"^\d{2,3}$", &["12", "123"], &["1", "1234", "١٢"]),
        (r"a{,2}", &["a{,2}"], &["aa"]),
        (r"x{y", &["x{y"], &["x"]),
        (r"\<a\>", &["<a>"], &["a"]),
        (r"^[a&&b~~-]+$", &["&&", "~", "-"], &["c"]),
        (r"\Qa.b\E+", &["a.bb"], &["axb"]),
        (r"\x2f\x{41}", &["/A"], &["/a"]),
        (r"^(?:a|b)\z", &["a"], &["ab"]),
        (r"(?<n>a)(?P<m>b)(?'o'c)", &["abc"], &["ab"]),
        (r"a(?#not a)b", &["ab"], &["a"]),
        (r"^.$", &["a"], &["é"]),
        (r"^[[:alpha:]]+$", &["ab"], &["a1"]),
        (r"\bfoo\b", &["a foo b"], &["afoo"]),
        (r"^a.+?b", &["axb"], &["ab"]),
    ];
    for (pattern, matched, others) in table {
        let regex = Regex::new(&translated(pattern)).unwrap();
        for subject in matched {
            assert!(regex.is_match(subject.as_bytes()), "{pattern} does not match {subject}");
        }
        for subject in others {
            assert!(!regex.is_match(subject.as_bytes()), "{pattern} matches {subject}");
        }
    }
}

#[test]
fn what_the_engine_does_not_have_is_refused_where_it_stands() {
    let table = [
        ("a(?=b)", "1:13 the regular expression has look-ahead"),
        ("a(?!b)", "1:13 the regular expression has look-ahead"),
        ("(?<=b)a", "1:12 the regular expression has look-behind"),
        ("(?<!b)a", "1:12 the regular expression has look-behind"),
        ("(?>a)", "1:12 the regular expression has an atomic group"),
        (r"(a)\1", "1:15 the regular expression has a back-reference"),
        ("a++", "1:14 possessive quantifiers are not supported"),
        ("a**", "1:14 the quantifier has nothing before it to repeat"),
        ("*a", "1:12 the quantifier has nothing before it to repeat"),
        ("(*UTF8)a", "1:12 verbs of PCRE"),
        ("(?x)a", "1:12 the option x of the regular expression is not supported"),
        ("[b-a]", "1:13 the range of the class is empty"),
        ("[a", "1:12 the class of the regular expression is not closed"),
        ("[é]", "1:13 'é' is several bytes"),
        (r"\yfoo", "1:12 \\y is not supported in regular expressions"),
        ("a\\", "1:13 the regular expression ends with a lone backslash"),
        ("(a", "1:12 \"(a\" is no regular expression: unclosed group"),
        ("%20%20(?=b)", "1:18 the regular expression has look-ahead"),
    ];
    for (pattern, expected) in table {
        let statement = format!("req.url ~ \"{pattern}\"");
        assert!(refused(&statement).starts_with(expected), "{pattern}: {}", refused(&statement));
    }
}

#[test]
fn a_replacement_names_groups_that_there_are() {
    assert!(refused(r#"regsub(req.url, "a", "\1") == "b""#).starts_with("1:23 the replacement names group \\1"));
}

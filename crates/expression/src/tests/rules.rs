use super::Example;
use crate::{
    AddressSet, Budget, DestinationIndex, Exceeded, Expression, InvalidReplacement, MAX_DEPTH, MAX_TEXT, Number, Order,
    Part, Regex, Replacement, SetIndex, Share, Table, TableIndex, Text, Truth, Type, Variable, WrongType,
};

fn part(part: Part) -> Text {
    Text::Variable(Variable::Part(part))
}

fn header(name: &str) -> Text {
    Text::Variable(Variable::Header(name.parse().unwrap()))
}

fn text(text: &Text, request: &Example) -> Option<String> {
    text.of(request).map(|text| String::from_utf8_lossy(&text).into_owned())
}

fn replaced(pattern: &str, by: &str, subject: &str) -> String {
    let replacement = Replacement::every(Regex::new(pattern).unwrap(), by.as_bytes()).unwrap();
    let made = Text::Replace(Box::new(Text::literal(subject)), Box::new(replacement));
    text(&made, &Example::new("/")).unwrap()
}

#[test]
fn parts_of_the_target() {
    let parts = [Part::Path, Part::Query, Part::Extension, Part::Basename, Part::Directory];
    for (target, expected) in [
        ("/a/b.tar.gz?x=/y.z", ["/a/b.tar.gz", "x=/y.z", "gz", "b.tar.gz", "/a"]),
        ("/b", ["/b", "-", "", "b", "/"]),
        ("/", ["/", "-", "", "", "/"]),
        ("/a/?", ["/a/", "", "", "", "/a"]),
        ("/a.b/c", ["/a.b/c", "-", "", "c", "/a.b"]),
        ("*", ["*", "-", "", "*", ""]),
    ] {
        let request = Example::new(target);
        let found = parts.map(|of| text(&part(of), &request).unwrap_or_else(|| "-".to_owned()));
        assert_eq!(found, expected, "{target}");
    }
}

#[test]
fn lines_of_a_header_are_one() {
    let request = Example::new("/").with("x", "1").with("x", "2").with("x", "3").with("empty", "");
    assert_eq!(text(&header("x"), &request).as_deref(), Some("1, 2, 3"));
    assert_eq!(text(&header("empty"), &request).as_deref(), Some(""));
    assert_eq!(text(&header("none"), &request), None);
    assert!(Truth::Present(header("empty")).of(&request) && !Truth::Present(header("none")).of(&request));
    assert!(Truth::Equal(Box::new([header("none"), Text::literal("")])).of(&request));
}

#[test]
fn cookies_and_query_parameters() {
    let request = Example::new("/?a=%41+b&c").with("cookie", "x=1; y = 2").with("cookie", "z=\"3=4\";x=5");
    let cookie = |name: &str| text(&Text::Variable(Variable::Cookie(name.as_bytes().into())), &request);
    assert_eq!(cookie("x").as_deref(), Some("1"));
    assert_eq!(cookie("z").as_deref(), Some("\"3=4\""));
    assert_eq!((cookie("y"), cookie("X")), (None, None));
    let parameter = |name: &str| text(&Text::Variable(Variable::QueryParameter(name.as_bytes().into())), &request);
    assert_eq!(parameter("a").as_deref(), Some("A b"));
    assert_eq!(parameter("c").as_deref(), Some(""));
    assert_eq!(parameter("d"), None);
}

#[test]
fn numbers() {
    let request = Example::new("/").with("n", "-12");
    let parsed = |text: Text| Number::Parsed(text).of(&request);
    assert_eq!(parsed(header("n")), -12);
    assert_eq!(parsed(Text::literal(" 1")), 0);
    assert_eq!(parsed(Text::literal("99999999999999999999")), 0);
    assert_eq!(parsed(header("none")), 0);
    assert_eq!(Number::Length(Text::literal("é")).of(&request), 2);
    let less = |a, b| Truth::Compare(Order::Less, Box::new([Number::Literal(a), Number::Literal(b)])).of(&request);
    assert!(less(1, 2) && !less(2, 2));
}

#[test]
fn regular_expressions_are_of_bytes() {
    let matches = |pattern: &str, subject: &[u8]| Regex::new(pattern).unwrap().is_match(subject);
    assert!(matches("^.$", b"\xff") && !matches("^.$", "é".as_bytes()) && matches("(?u)^.$", "é".as_bytes()));
    assert!(matches("(?i)FOO", b"a foo") && !matches("^foo", b"a foo"));
    assert!(Regex::new("(?=a)").is_err() && Regex::new(&"a".repeat(9_000)).is_err());
    assert!(Regex::new(r"(?u)\w{1000}").is_err(), "its compiled form is too large");
}

#[test]
fn replacements() {
    assert_eq!(replaced("(b)(c)?", r"<\1\2\0>", "abcb"), "a<bcbc><bb>");
    assert_eq!(replaced("x", "y", "abc"), "abc");
    assert_eq!(replaced("", "-", "ab"), "-a-b-");
    assert_eq!(replaced("a", r"\\\x", "a"), r"\x");
    let group = Replacement::first(Regex::new("(a)").unwrap(), br"\2");
    assert_eq!(group.unwrap_err(), InvalidReplacement::Group(2));
    assert_eq!(Replacement::first(Regex::new("a").unwrap(), b"x\\").unwrap_err(), InvalidReplacement::Ends);
}

#[test]
fn what_would_be_too_long_is_absent() {
    let long = || Text::Literal(vec![b'a'; MAX_TEXT].into());
    let whole = Text::Concatenation([long(), Text::literal("b")].into());
    assert_eq!(text(&whole, &Example::new("/")), None);
    let doubled = Replacement::every(Regex::new("a").unwrap(), b"aa").unwrap();
    assert_eq!(text(&Text::Replace(Box::new(long()), Box::new(doubled)), &Example::new("/")), None);
    assert_eq!(text(&Text::Concatenation([header("none")].into()), &Example::new("/")).as_deref(), Some(""));
}

#[test]
fn tables_sets_and_destinations() {
    let mut request = Example::new("/").with("key", "a").with("address", "10.9.9.9");
    request.tables = vec![[(&b"a"[..], &b"1"[..]), (&b""[..], &b"nothing"[..])].into_iter().collect::<Table>()];
    request.sets = vec![AddressSet::new([("10.0.0.0/24".parse().unwrap(), true)]).unwrap()];
    request.healthy = vec![false, true];
    let lookup = |key: Text, default: Option<&str>| {
        let default = default.map(|text| Box::new(Text::literal(text)));
        text(&Text::Lookup { table: TableIndex(0), key: Box::new(key), default }, &request)
    };
    assert_eq!(lookup(header("key"), None).as_deref(), Some("1"));
    assert_eq!(lookup(header("none"), None).as_deref(), Some("nothing"));
    assert_eq!(lookup(Text::literal("b"), Some("d")).as_deref(), Some("d"));
    assert_eq!(lookup(Text::literal("b"), None), None);
    assert!(Truth::HasKey(TableIndex(0), header("key")).of(&request));
    assert!(Truth::ClientWithin(SetIndex(0)).of(&request));
    assert!(Truth::Within(part(Part::ClientAddress), SetIndex(0)).of(&request));
    assert!(!Truth::Within(header("address"), SetIndex(0)).of(&request));
    assert!(!Truth::Within(header("key"), SetIndex(0)).of(&request));
    let healthy = |of: Option<usize>, request: &Example| Truth::Healthy(of.map(DestinationIndex)).of(request);
    assert!(!healthy(None, &request) && !healthy(Some(0), &request) && healthy(Some(1), &request));
    request.selected = Some(1);
    assert!(healthy(None, &request));
}

#[test]
fn shares_are_exact_and_not_more_than_the_whole() {
    let request = Example::new("/");
    let third = Truth::Random(Share::new(1, 3.try_into().unwrap()).unwrap());
    assert_eq!((0..300).filter(|_| third.of(&request)).count(), 100);
    assert!(Share::new(4, 3.try_into().unwrap()).is_none());
}

#[test]
fn types() {
    let request = Example::new("/");
    let wrong = Expression::Text(Text::literal("1")).into_number().unwrap_err();
    assert_eq!(wrong, WrongType { expected: Type::Number, found: Type::Text });
    assert_eq!(wrong.to_string(), "must be a whole number, and is a text");
    assert!(Expression::Truth(Truth::Constant(true)).into_text().is_err());
    assert_eq!(text(&Expression::Number(Number::Literal(-7)).into_text().unwrap(), &request).as_deref(), Some("-7"));
    assert!(!Expression::Number(Number::Literal(0)).into_truth().of(&request));
    assert!(Expression::Text(Text::literal("")).into_truth().of(&request));
}

#[test]
fn limits() {
    let mut budget = Budget::default();
    assert_eq!(budget.part(MAX_DEPTH), Err(Exceeded::Depth));
    assert!((0..crate::MAX_PARTS).all(|_| budget.part(0).is_ok()));
    assert_eq!(budget.part(0), Err(Exceeded::Parts));
    for index in 0..crate::MAX_REGEXES {
        budget.regex(&format!("a{index}")).unwrap();
    }
    assert_eq!(budget.regex("b").unwrap_err(), Exceeded::Regexes);
    assert_eq!(budget.regex("a7").unwrap().as_str(), "a7");
}

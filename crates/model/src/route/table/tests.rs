use http::{HeaderName, HeaderValue};

use super::*;
use crate::route::{DecodedPath, Element, HeaderMatch, PathMatch, PathTemplate, QueryMatch, ValueMatch};

#[derive(Default)]
struct Routes {
    builder: TableBuilder<Box<str>, Box<str>>,
    count: u32,
}

impl Routes {
    fn add(&mut self, listener: &str, host: &str, precedence: u64, name: &str, matcher: Matcher) -> &mut Self {
        self.count += 1;
        self.builder.candidate(Candidate {
            listener: HostPattern::parse(listener).unwrap(),
            host: HostPattern::parse(host).unwrap(),
            order: Order { precedence: Reverse(precedence), route: "r".into(), rule: self.count, position: 0 },
            matcher,
            rule: name.into(),
        });
        self
    }

    fn build(&mut self) -> Table<Box<str>, Box<str>> {
        std::mem::take(&mut self.builder).build()
    }
}

fn get<'t>(table: &'t Table<Box<str>, Box<str>>, host: &str, target: &str) -> Option<(&'t str, Option<usize>)> {
    find(table, &Method::GET, host, target, &HeaderMap::new())
}

fn find<'t>(
    table: &'t Table<Box<str>, Box<str>>,
    method: &Method,
    host: &str,
    target: &str,
    headers: &HeaderMap,
) -> Option<(&'t str, Option<usize>)> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    table.find(host, method, path, query, headers).map(|found| (&**found.rule, found.prefix))
}

fn exact(path: &str) -> Matcher {
    Matcher::path(PathMatch::Exact(path.into()))
}

#[test]
fn prefixes_match_by_whole_elements() {
    let table = Routes::default()
        .add("", "", 1, "root", Matcher::prefix("/"))
        .add("", "", 2, "foo", Matcher::prefix("/foo/"))
        .add("", "", 3, "bar", Matcher::prefix("/foo/bar"))
        .build();
    assert_eq!(get(&table, "h", "/foo"), Some(("foo", Some(4))));
    assert_eq!(get(&table, "h", "/foo/"), Some(("foo", Some(4))));
    assert_eq!(get(&table, "h", "/foo/x?a=b"), Some(("foo", Some(4))));
    assert_eq!(get(&table, "h", "/foobar"), Some(("root", Some(0))));
    assert_eq!(get(&table, "h", "/foo/bar/x"), Some(("bar", Some(8))));
    assert_eq!(get(&table, "h", "/foo/barx"), Some(("foo", Some(4))));
    assert_eq!(get(&table, "h", "/Foo"), Some(("root", Some(0))));
}

#[test]
fn the_larger_precedence_wins_whatever_the_kind_of_match() {
    let table = Routes::default()
        .add("", "", 10, "prefix", Matcher::prefix("/a"))
        .add("", "", 20, "exact", exact("/a"))
        .add("", "", 15, "regex", Matcher::path(PathMatch::regex("/a|/a/b").unwrap()))
        .add("", "", 5, "late", Matcher::path(PathMatch::regex("/.*").unwrap()))
        .build();
    assert_eq!(get(&table, "h", "/a"), Some(("exact", None)));
    assert_eq!(get(&table, "h", "/a/b"), Some(("regex", None)));
    assert_eq!(get(&table, "h", "/a/c"), Some(("prefix", Some(2))));
    assert_eq!(get(&table, "h", "/b"), Some(("late", None)));
}

#[test]
fn a_regular_expression_matches_the_whole_path() {
    let table = Routes::default().add("", "", 1, "x", Matcher::path(PathMatch::regex("/x|/y[0-9]+").unwrap())).build();
    assert!(get(&table, "h", "/y12").is_some());
    assert!(get(&table, "h", "/x/y1").is_none() && get(&table, "h", "/y1/").is_none());
    assert!(PathMatch::regex("a)|(b").is_err());
    assert!(PathMatch::regex("(?x)/a # comment").is_ok());
}

#[test]
fn conditions_fall_through_to_the_next_match() {
    let mut special = Matcher::prefix("/");
    special.method = Some(Method::POST);
    special.headers =
        [HeaderMatch { name: HeaderName::from_static("version"), value: ValueMatch::exact("two") }].into();
    special.query = [QueryMatch { name: "q".into(), value: ValueMatch::regex("a+").unwrap() }].into();
    let table =
        Routes::default().add("", "", 2, "special", special).add("", "", 1, "rest", Matcher::prefix("/")).build();

    let mut headers = HeaderMap::new();
    headers.append("version", HeaderValue::from_static("two"));
    let name = |method: &Method, target: &str, headers: &HeaderMap| {
        find(&table, method, "h", target, headers).map(|(name, _)| name.to_owned()).unwrap()
    };
    assert_eq!(name(&Method::POST, "/?q=aaa", &headers), "special");
    assert_eq!(name(&Method::GET, "/?q=aaa", &headers), "rest");
    assert_eq!(name(&Method::POST, "/?q=b", &headers), "rest");
    assert_eq!(name(&Method::POST, "/?q=aaa", &HeaderMap::new()), "rest");
    headers.insert("version", HeaderValue::from_static("three"));
    assert_eq!(name(&Method::POST, "/?q=aaa", &headers), "rest");
}

#[test]
fn of_a_header_in_several_lines_the_whole_is_looked_at() {
    let exact = ValueMatch::exact;
    let regex = |pattern| ValueMatch::regex(pattern).unwrap();
    for (name, lines, condition, holds) in [
        ("x-role", &[b"admin".as_slice()][..], exact("admin"), true),
        ("x-role", &[b"user", b"admin"], regex(".*admin.*"), true),
        ("x-role", &[b"admin", b"user"], regex(".*admin.*"), true),
        ("x-role", &[b"user", b"admin"], exact("user, admin"), true),
        // Not what an endpoint would take it for.
        ("x-role", &[b"user", b"admin"], exact("user"), false),
        ("x-role", &[b"user", b"admin"], exact("admin"), false),
        ("x-role", &[b"", b""], exact(", "), true),
        ("cookie", &[b"a=1", b"sid=2"], exact("a=1; sid=2"), true),
        ("cookie", &[b"a=1", b"sid=2"], regex("(.*; )?sid=2(;.*)?"), true),
        ("cookie", &[b"name=Jos\xe9", b"sid=2"], regex("(?-u).*; sid=2"), true),
        ("x-name", &[b"Jos\xc3\xa9"], exact("Jos\u{e9}"), true),
        ("x-role", &[], regex(".*"), false),
    ] {
        let mut matcher = Matcher::prefix("/");
        let header = HeaderName::from_static(name);
        matcher.headers = [HeaderMatch { name: header.clone(), value: condition }].into();
        let table = Routes::default().add("", "", 1, "x", matcher).build();
        let values = lines.iter().map(|line| (header.clone(), HeaderValue::from_bytes(line).unwrap()));
        let found = find(&table, &Method::GET, "h", "/", &values.collect());
        assert_eq!(found.is_some(), holds, "{name} {lines:?}");
    }
}

#[test]
fn listeners_own_their_hosts() {
    let mut routes = Routes::default();
    routes
        .add("", "", 1, "any", Matcher::prefix("/"))
        .add("*.example.com", "", 1, "wildcard", Matcher::prefix("/"))
        .add("*.a.example.com", "", 1, "longer", Matcher::prefix("/"))
        .add("one.example.com", "", 1, "one", exact("/only"))
        .builder
        .listener(HostPattern::parse("empty.example.com").unwrap());
    let table = routes.build();
    assert_eq!(get(&table, "other", "/").unwrap().0, "any");
    assert_eq!(get(&table, "example.com", "/").unwrap().0, "any");
    assert_eq!(get(&table, "b.example.com", "/").unwrap().0, "wildcard");
    assert_eq!(get(&table, "x.a.example.com", "/").unwrap().0, "longer");
    assert_eq!(get(&table, "one.example.com", "/only").unwrap().0, "one");
    assert_eq!(get(&table, "one.example.com", "/"), None);
    assert_eq!(get(&table, "empty.example.com", "/"), None);
}

#[test]
fn hosts_of_routes_are_tried_from_the_most_specific() {
    let table = Routes::default()
        .add("", "*.example.com", 9, "wildcard", Matcher::prefix("/"))
        .add("", "a.example.com", 1, "exact", Matcher::prefix("/x"))
        .build();
    assert_eq!(get(&table, "a.example.com", "/x").unwrap().0, "exact");
    assert_eq!(get(&table, "a.example.com", "/y").unwrap().0, "wildcard");
    assert_eq!(get(&table, "b.c.example.com", "/x").unwrap().0, "wildcard");
    assert_eq!(get(&table, "example.com", "/x"), None);
}

#[test]
fn the_routes_own_name_decides_and_not_what_it_shares_with_the_listener() {
    for listener in ["abc.example.com", "*.example.com", ""] {
        let table = Routes::default()
            .add(listener, "*.com", 9, "top", Matcher::prefix("/"))
            .add(listener, "*.example.com", 9, "wildcard", Matcher::prefix("/"))
            .add(listener, "abc.example.com", 1, "exact", Matcher::prefix("/x"))
            .build();
        assert_eq!(get(&table, "abc.example.com", "/x").unwrap().0, "exact", "{listener}");
        assert_eq!(get(&table, "abc.example.com", "/y").unwrap().0, "wildcard", "{listener}");
        // Its name is wider than the listener's, and does not bring it hosts that are not the listener's.
        let other = get(&table, "abc.other.com", "/x").map(|(name, _)| name);
        assert_eq!(other, listener.is_empty().then_some("top"), "{listener}");
    }
}

#[test]
fn ties_go_to_the_route_key_then_to_positions() {
    let mut builder = Table::<_, Box<str>>::builder();
    for (route, rule, position) in [("b", 0, 0), ("a", 1, 0), ("a", 0, 1), ("a", 0, 0)] {
        builder.candidate(Candidate {
            listener: HostPattern::Any,
            host: HostPattern::Any,
            order: Order { precedence: Reverse(1), route: route.into(), rule, position },
            matcher: Matcher::prefix("/"),
            rule: format!("{route}{rule}{position}").into(),
        });
    }
    assert_eq!(get(&builder.build(), "h", "/").unwrap().0, "a00");
}

#[test]
fn a_thousand_routes_each_find_their_own() {
    let mut routes = Routes::default();
    for index in 0..1000_u64 {
        let name = format!("{index}");
        let matcher =
            if index % 2 == 0 { exact(&format!("/e/{index}")) } else { Matcher::prefix(&format!("/p/{index}")) };
        routes.add("", "", index, &name, matcher);
    }
    let table = routes.build();
    for index in 0..1000 {
        let target = if index % 2 == 0 { format!("/e/{index}") } else { format!("/p/{index}/below") };
        assert_eq!(get(&table, "h", &target).unwrap().0, format!("{index}"));
    }
    assert_eq!(get(&table, "h", "/e/1"), None);
}

/// A small generator of our own: the same routes on every machine.
struct Dice(u64);

impl Dice {
    fn roll<'a, T: ?Sized>(&mut self, faces: &[&'a T]) -> &'a T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        faces[(self.0 >> 33) as usize % faces.len()]
    }
}

fn by_elements(template: &PathTemplate, path: &str) -> bool {
    let Some(path) = DecodedPath::of(path) else { return false };
    let Some(elements) = path.elements() else { return false };
    let elements: Vec<_> = elements.collect();
    let last = elements.len().saturating_sub(1);
    elements.len() == template.elements.len()
        && template.elements.iter().zip(elements).enumerate().all(|(at, (element, text))| match &element.variable {
            None => *element.literal == *text,
            Some(_) => text.starts_with(&*element.literal) && (at < last || text.len() > element.literal.len()),
        })
}

/// A template of elements, of which those that begin with `:` are variables.
fn template(path: &str) -> PathMatch {
    let element = |text: &str| match text.strip_prefix(':') {
        Some(literal) => Element { literal: literal.into(), variable: Some("v".into()) },
        None => Element { literal: text.into(), variable: None },
    };
    let elements = path.strip_prefix('/').unwrap_or(path).split('/').map(element).collect();
    PathMatch::Template(PathTemplate { elements, refuse_encoded_values: false }.into())
}

#[test]
fn a_condition_on_the_path_has_a_name() {
    for (condition, name) in [
        (PathMatch::Exact("/a/b".into()), "/a/b"),
        (PathMatch::Prefix("/a/".into()), "/a/*"),
        (PathMatch::Prefix("/".into()), "/*"),
        (PathMatch::regex("/a/[0-9]+").unwrap(), "/a/[0-9]+"),
        (PathMatch::regex("(?x) /a # open").unwrap(), "(?x) /a # open"),
        (template("/a/:b-/c"), "/a/b-{v}/c"),
    ] {
        assert_eq!(condition.to_string(), name);
        let rule = Matcher::path(condition);
        let mut routes = Routes::default();
        let table = routes.add("", "", 1, "r", rule).build();
        if let Some(found) = table.find("a.example", &Method::GET, "/a/b", None, &HeaderMap::new()) {
            assert_eq!(found.path.to_string(), name);
        }
    }
}

/// What the table is a faster way to do: the best of all matches whose conditions hold.
fn by_trying_all<'m>(matches: &'m [(u64, Matcher)], method: &Method, path: &str) -> Option<&'m str> {
    let holds = |matcher: &Matcher| {
        let path_holds = match &matcher.path {
            PathMatch::Exact(exact) => **exact == *path,
            PathMatch::Prefix(prefix) => {
                let prefix = prefix.trim_end_matches('/');
                path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            PathMatch::Regex(regex) => regex.is_match(path.as_bytes()),
            PathMatch::Template(template) => by_elements(template, path),
        };
        path_holds && matcher.method.as_ref().is_none_or(|wanted| wanted == method)
    };
    let held = matches.iter().enumerate().filter(|(_, (_, matcher))| holds(matcher));
    let best = held.max_by_key(|(index, (precedence, _))| (*precedence, Reverse(*index)))?;
    Some(NAMES[best.0])
}

const NAMES: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];

#[test]
fn a_table_agrees_with_trying_them_all() {
    let mut dice = Dice(7);
    let elements = ["", "a", "b", "ab", "a/b", "b/a", "a/b/a", "a/"];
    for _ in 0..150 {
        let matches: Vec<(u64, Matcher)> = (0..NAMES.len())
            .map(|_| {
                let path = format!("/{}", dice.roll(&elements));
                let path = match dice.roll(&["exact", "prefix", "prefix", "regex", "template", "template"]) {
                    "exact" => PathMatch::Exact(path.into()),
                    "template" => template(dice.roll(&["/:", "/:/:", "/:a/b", "/a/:", "/:/b/:", "/b/a", "/"])),
                    "prefix" => PathMatch::Prefix(path.into()),
                    _ => PathMatch::regex(&format!("{path}.*")).unwrap(),
                };
                let mut matcher = Matcher::path(path);
                matcher.method = dice.roll(&["", "", "GET"]).parse().ok();
                (dice.roll(&["1", "2", "3"]).parse().unwrap(), matcher)
            })
            .collect();
        let mut routes = Routes::default();
        for ((precedence, matcher), name) in matches.iter().zip(NAMES) {
            routes.add("", "", *precedence, name, matcher.clone());
        }
        let table = routes.build();
        for path in
            ["/", "/a", "/a/", "/ab", "/a/b", "/b", "/b/a", "/a/b/a", "/c", "/a/b/c/d", "*", "/a%2Fb", "/%61/b", "/%zz"]
        {
            for method in [Method::GET, Method::POST] {
                let found = find(&table, &method, "h", path, &HeaderMap::new()).map(|(name, _)| name);
                assert_eq!(found, by_trying_all(&matches, &method, path), "{method} {path} {matches:?}");
            }
        }
    }
}

#[test]
fn what_no_rule_matches_is_the_route_s_that_alone_has_the_host() {
    let host = |text: &str| HostPattern::parse(text).unwrap();
    let unmatched = |of: &str, route: &str| Unmatched {
        listener: HostPattern::Any,
        host: host(of),
        route: route.into(),
        value: Box::from(route),
    };
    let mut routes = Routes::default();
    routes.builder.unmatched(unmatched("alone.test", "1"));
    routes.builder.unmatched(unmatched("shared.test", "1"));
    routes.builder.unmatched(unmatched("both.test", "1")).unmatched(unmatched("both.test", "2"));
    routes.builder.unmatched(unmatched("*", "3"));
    routes.builder.candidate(Candidate {
        listener: HostPattern::Any,
        host: host("shared.test"),
        order: Order { precedence: Reverse(1), route: "2".into(), rule: 0, position: 0 },
        matcher: Matcher::prefix("/x"),
        rule: "other".into(),
    });
    let table = routes.build();
    let of = |host| table.unmatched(host).map(|route| &**route);
    assert_eq!(of("alone.test"), Some("1"));
    // What is less specific has it as well.
    assert_eq!(of("shared.test"), Some("3"));
    assert_eq!(of("both.test"), Some("3"));
    assert_eq!(of("other.test"), Some("3"));
}

#[test]
fn the_methods_of_a_path_and_its_other_spellings_are_known() {
    let mut routes = Routes::default();
    let get = |path: &str, method: &str| Matcher { method: method.parse().ok(), ..Matcher::path(template(path)) };
    routes.add("", "", 2, "one", get("/Users/:/posts", "GET"));
    routes.add("", "", 1, "two", get("/Users/:/posts", "PUT"));
    routes.add("", "", 1, "any", Matcher::path(template("/open")));
    let table = routes.build();
    let none = HeaderMap::new();
    assert_eq!(table.methods("h", "/Users/7/posts", None, &none), [Method::GET, Method::PUT]);
    assert_eq!(table.methods("h", "/users/7/posts", None, &none), [Method::GET; 0]);
    let folded = |method: &Method, elements: &[&str]| table.folded("h", method, elements, None, &none);
    assert_eq!(folded(&Method::GET, &["users", "AbC", "POSTS"]).as_deref(), Some("/Users/AbC/posts"));
    assert_eq!(folded(&Method::DELETE, &["users", "AbC", "POSTS"]), None);
    assert_eq!(folded(&Method::GET, &["users", "", "posts"]), None);
    assert_eq!(folded(&Method::DELETE, &["OPEN"]).as_deref(), Some("/open"));
}

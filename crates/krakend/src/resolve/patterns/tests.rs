use super::*;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn paths_that_no_endpoint_may_have() {
    for (path, is_forbidden) in [
        ("/a", false),
        ("/", false),
        ("/__health", true),
        ("/a/__health", true),
        ("/__health/b", true),
        ("/__debug", true),
        ("/__echo/x", true),
        ("/__healthz", false),
        ("/x__health", false),
        ("/a/*", false),
        ("/a*b", true),
        ("/a/*/b", true),
    ] {
        assert_eq!(Patterns::forbids(path), is_forbidden, "{path}");
    }
}

#[test]
fn variables_of_endpoints_follow_a_slash_unless_rest_is_off() {
    for (path, strict, loose) in [
        ("/a/{b}", vec!["b"], vec!["b"]),
        ("/{a}/{b-c_1}", vec!["a", "b-c_1"], vec!["a", "b-c_1"]),
        ("/f.{ext}", vec![], vec!["ext"]),
        ("/{a}.json", vec!["a"], vec!["a"]),
        ("/{a.b}", vec![], vec!["a.b"]),
        ("/{}", vec![], vec![]),
    ] {
        assert_eq!(Patterns::Strict.of_endpoint(path), strict, "{path}");
        assert_eq!(Patterns::Loose.of_endpoint(path), loose, "{path}");
    }
}

#[test]
fn variables_are_written_with_colons_before_the_query() {
    for (path, names, written) in [
        ("/a/{b}", vec!["b"], "/a/:b"),
        ("/a/{b}?c={b}", vec!["b"], "/a/:b?c={b}"),
        ("/x{a}/{a}", vec!["a"], "/x:a/:a"),
        ("/{a}{b}", vec!["a"], "/:a{b}"),
        ("/{{a}}", vec!["a"], "/{:a}"),
        ("/{a", vec!["a"], "/{a"),
        ("/{b}", vec![], "/{b}"),
    ] {
        assert_eq!(colons(path, &names.into_iter().collect()), written, "{path}");
    }
}

#[test]
fn the_router_cleans_paths_up() {
    for (path, pattern) in [
        ("/a//b", "/a/b"),
        ("/a/./b/", "/a/b/"),
        ("/a/../b", "/b"),
        ("/../a", "/a"),
        ("//", "/"),
        ("/", "/"),
        ("/:id/x:y", "/:id/x:y"),
    ] {
        assert_eq!(route(path).pattern, pattern, "{path}");
    }
    let segment = |literal: &str, variable: Option<&str>| RouteSegment {
        literal: literal.to_owned(),
        variable: variable.map(str::to_owned),
    };
    assert_eq!(
        route("/a/:b/c:d.json").segments,
        [segment("a", None), segment("", Some("b")), segment("c", Some("d.json"))]
    );
}

#[test]
fn urls_are_checked_with_the_count_that_krakend_makes() {
    let unknown = |name: &str, output: &[&str]| {
        Err(Unfilled::Unknown { name: name.to_owned(), output: output.iter().map(|name| (*name).to_owned()).collect() })
    };
    let count =
        |output: &[&str]| Err(Unfilled::Count { output: output.iter().map(|name| (*name).to_owned()).collect() });
    for (url, input, found) in [
        ("/", vec![], Ok(())),
        ("/{a}", vec!["a"], Ok(())),
        ("/{a}/{a}", vec!["a", "b"], Ok(())),
        ("/{b}", vec!["a"], unknown("b", &["b"])),
        ("/{c}/{b}", vec!["a"], unknown("b", &["b", "c"])),
        ("/{d}/{c}/{b}", vec!["a"], count(&["b", "c", "d"])),
        ("/{a}/{b}", vec![], count(&["a", "b"])),
        ("/{resp0_x.y}/{JWT.sub}", vec![], Ok(())),
        ("/{resp0_x}/{zz}", vec![], unknown("zz", &["resp0_x", "zz"])),
        ("/{respx_a}", vec![], unknown("respx_a", &["respx_a"])),
    ] {
        assert_eq!(Patterns::check(url, &set(&input)), found, "{url} of {input:?}");
    }
}

#[test]
fn urls_have_parts() {
    let literal = |text: &str| UrlPart::Literal(text.to_owned());
    for (url, parts) in [
        ("/", vec![literal("/")]),
        (
            "/u/{id}?x={id}",
            vec![literal("/u/"), UrlPart::Variable("id".into()), literal("?x="), UrlPart::Variable("id".into())],
        ),
        ("/{resp1_a.b-c}", vec![literal("/"), UrlPart::Response { backend: 1, field: "a.b-c".into() }]),
        ("/{JWT.sub}/x", vec![literal("/"), UrlPart::Claim("sub".into()), literal("/x")]),
        ("/{other}/x", vec![literal("/{{.Other}}/x")]),
        ("/{}", vec![literal("/{}")]),
    ] {
        assert_eq!(Patterns::url(url, &route("/v/:id")).parts, parts, "{url}");
    }
}

use super::*;

fn json(text: &str) -> Document {
    Document::read(text, Format::Json).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn yaml(text: &str) -> Document {
    Document::read(text, Format::Yaml).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str, format: Format) -> ReadError {
    match Document::read(text, format) {
        Ok(document) => panic!("{text} is read as {document:?}"),
        Err(error) => error,
    }
}

fn place(line: u32, column: u32) -> Place {
    Place { line, column }
}

/// The value at a path of keys and indices.
fn at<'d>(document: &'d Document, path: &[&str]) -> &'d Node {
    path.iter().fold(&document.root, |node, step| match &node.value {
        Value::List(members) => &members[step.parse::<usize>().unwrap()],
        _ => &node.entries().iter().find(|entry| entry.key == *step).unwrap_or_else(|| panic!("no {step}")).node,
    })
}

/// Values without their places, to compare what different formats say.
fn bare(node: &Node) -> String {
    crate::write::compact(node)
}

#[test]
fn json_has_the_place_of_each_key_and_value() {
    let document = json("{\n  \"a\": 1,\n  \"é\": {\"b\": [true,\n null]}\n}");
    let entries = document.root.entries();
    assert_eq!((entries[0].place, entries[0].node.place), (place(2, 3), place(2, 8)));
    assert_eq!((entries[1].place, entries[1].node.place), (place(3, 3), place(3, 8)), "columns count characters");
    assert_eq!(at(&document, &["é", "b", "1"]).place, place(4, 2));
}

#[test]
fn json_keeps_the_literals_of_numbers() {
    for literal in ["0", "-0", "1.0", "1e3", "-1.5E-7", "12345678901234567890", "1e-07"] {
        assert_eq!(json(literal).root.value, Value::Number(literal.to_owned()));
    }
}

#[test]
fn json_texts_are_what_their_escapes_say() {
    for (written, read) in [
        (r#""a\n\t\r\b\f\/\\\"z""#, "a\n\t\r\u{8}\u{c}/\\\"z"),
        (r#""\u00e9\uD83D\uDE00""#, "é😀"),
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\ud800A""#, "\u{fffd}A"),
        (r#""\ud800\n""#, "\u{fffd}\n"),
    ] {
        assert_eq!(json(written).root.value, Value::Text(read.to_owned()), "{written}");
    }
}

#[test]
fn what_is_no_json_is_refused_where_it_goes_wrong() {
    for (text, (line, column), said) in [
        ("", (1, 1), "the file ends where a value should be"),
        ("{", (1, 2), "a key must be text"),
        ("{\"a\"", (1, 5), "a colon is missing"),
        ("{\"a\":1,}", (1, 8), "a comma too many"),
        ("[1,]", (1, 4), "a comma too many"),
        ("[1 2]", (1, 4), "goes on with a comma"),
        ("{\"a\":1 \"b\":2}", (1, 8), "goes on with a comma"),
        ("{a: 1}", (1, 2), "a key must be text in double quotes"),
        ("{'a': 1}", (1, 2), "a key must be text in double quotes"),
        ("{\n  // no\n}", (2, 3), "JSON has no comments"),
        ("{\"a\": /* no */ 1}", (1, 7), "JSON has no comments"),
        ("{}\n{}", (2, 1), "something follows"),
        ("nul", (1, 1), "not the beginning of a JSON value"),
        ("01", (1, 2), "cannot begin with 0"),
        ("1.", (1, 3), "a digit is missing"),
        ("-", (1, 2), "a digit is missing"),
        ("1e", (1, 3), "a digit is missing"),
        ("+1", (1, 1), "not the beginning"),
        ("\"a\nb\"", (1, 3), "must be escaped"),
        ("\"a", (1, 2), "closing quote is missing"),
        ("\"\\x\"", (1, 4), "no escape of JSON"),
        ("\"\\u12g4\"", (1, 6), "four hexadecimal digits"),
    ] {
        let error = refusal(text, Format::Json);
        assert_eq!(error.place, place(line, column), "{text}: {error}");
        assert!(error.problem.contains(said), "{text}: {error}");
    }
}

#[test]
fn the_last_of_a_repeated_key_counts_and_the_others_are_told() {
    let document = json("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}, \"a\": 2, \"a\": 3}");
    assert_eq!(bare(&document.root), "{\"b\":{\"c\":2},\"a\":3}");
    let told: Vec<_> = document.repeated.iter().map(|it| (it.key.as_str(), it.first.column, it.last.column)).collect();
    assert_eq!(told, [("c", 16, 24), ("a", 2, 41), ("a", 33, 41)]);
}

#[test]
fn the_three_formats_say_the_same() {
    let expected = r#"{"version":3,"port":8080,"debug":true,"ratio":0.5,"none":null,"host":["http://a","b"],"tls":{"keys":[{"a":"1"},{"b":"x y"}]}}"#;
    let text = "version: 3\nport: 8080\ndebug: true\nratio: 0.5\nnone: ~\nhost:\n- http://a\n- b\ntls:\n  keys:\n  - a: '1'\n  - b: x y\n";
    assert_eq!(bare(&json(expected).root), expected);
    assert_eq!(bare(&yaml(text).root), expected);
    let toml = "version = 3\nport = 8080\ndebug = true\nratio = 0.5\nhost = ['http://a', \"b\"]\n[tls]\n[[tls.keys]]\na = '1'\n[[tls.keys]]\nb = \"x y\"\n";
    let toml = Document::read(toml, Format::Toml).unwrap();
    assert_eq!(bare(&toml.root), expected.replace("\"none\":null,", ""));
}

#[test]
fn yaml_has_the_types_of_go() {
    for (written, read) in [
        ("true", "true"),
        ("True", "true"),
        ("yes", "\"yes\""),
        ("off", "\"off\""),
        ("~", "null"),
        ("null", "null"),
        ("", "null"),
        ("'true'", "\"true\""),
        ("!!str 12", "\"12\""),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("-007", "-7"),
        ("1_000", "1000"),
        ("1e3", "1000"),
        (".5", "0.5"),
        (".inf", "\".inf\""),
        ("2.13.8", "\"2.13.8\""),
        ("5s", "\"5s\""),
        ("-", "[null]"),
    ] {
        let text = format!("a: {written}\n");
        let text = if written == "-" { "a:\n-\n" } else { &text };
        assert_eq!(bare(&yaml(text).root), format!("{{\"a\":{read}}}"), "{written}");
    }
}

#[test]
fn yaml_has_places_aliases_and_merge_keys() {
    let document = yaml("base: &base\n  a: 1\n  b: 2\none:\n  <<: *base\n  b: 3\ntwo: [*base]\n");
    assert_eq!(bare(at(&document, &["one"])), "{\"b\":3,\"a\":1}");
    assert_eq!(bare(at(&document, &["two"])), "[{\"a\":1,\"b\":2}]");
    assert_eq!(document.root.entries()[1].place, place(4, 1));
    assert_eq!(at(&document, &["base"]).entries()[1].place, place(3, 3));
}

#[test]
fn what_is_no_yaml_of_one_document_is_refused() {
    for (text, line, said) in [
        ("a: 1\na: 2\n", 2, "written twice in one map, first at line 1"),
        ("a: 1\n---\nb: 2\n", 2, "one document"),
        ("a: [1\n", 1, "not valid YAML"),
        ("? [a]\n: b\n", 1, "a key must be text"),
        ("# nothing\n", 1, "there is nothing"),
        ("a: *unknown\n", 1, "not valid YAML"),
    ] {
        let error = refusal(text, Format::Yaml);
        assert_eq!(error.place.line, line, "{text}: {error}");
        assert!(error.problem.contains(said), "{text}: {error}");
    }
}

#[test]
fn toml_has_places_whatever_the_length_of_its_lines() {
    let pad = "é".repeat(2_000);
    let text = format!("# {pad}\na = \"{pad}\"\nlist = [{{ x = \"{pad}\", y = 1 }}]\n[b.\"c d\"]\nd = 2020-01-01\n");
    let document = Document::read(&text, Format::Toml).unwrap();
    let entries = document.root.entries();
    let places: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.place)).collect();
    assert_eq!(places, [("a", place(2, 1)), ("list", place(3, 1)), ("b", place(4, 2))]);
    assert_eq!(at(&document, &["list", "0"]).entries()[1].place, place(3, 2_019));
    assert_eq!(bare(at(&document, &["b", "c d", "d"])), "\"2020-01-01\"");
}

#[test]
fn what_is_no_toml_is_refused_where_it_goes_wrong() {
    for (text, line) in [("a = 1\na = 2\n", 2), ("a = \n", 1), ("\n[a\n", 2), ("a = 99999999999999999999\n", 1)] {
        assert_eq!(refusal(text, Format::Toml).place.line, line, "{text}");
    }
    assert_eq!(bare(&Document::read("a = 0x1f\nb = inf\n", Format::Toml).unwrap().root), "{\"a\":31,\"b\":\"inf\"}");
}

#[test]
fn depth_is_bounded_in_every_format() {
    // Half of what a thread has by default.
    let nest = || {
        for format in [Format::Json, Format::Yaml] {
            let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(Document::read(&nested(MAX_DEPTH - 1), format).is_ok(), "{format:?}");
            assert!(Document::read(&nested(MAX_DEPTH + 2), format).is_err(), "{format:?}");
            assert!(Document::read(&nested(100_000), format).is_err(), "{format:?}");
        }
        let nested = |depth: usize| format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Document::read(&nested(MAX_DEPTH - 2), Format::Toml).is_ok());
        assert!(Document::read(&nested(MAX_DEPTH + 2), Format::Toml).is_err());
        assert!(Document::read(&nested(10_000), Format::Toml).is_err());
        let keys = format!("a{} = 1", ".a".repeat(10_000));
        assert!(Document::read(&keys, Format::Toml).is_err());
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(nest).unwrap().join().unwrap();
}

#[test]
fn size_is_bounded_in_every_format() {
    let large = " ".repeat(MAX_BYTES + 1);
    for format in [Format::Json, Format::Yaml, Format::Toml] {
        assert!(refusal(&large, format).problem.contains("more than 8 MiB"));
    }
    let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
    assert!(refusal(&many, Format::Json).problem.contains("more than 1000000 values"));
}

#[test]
fn aliases_that_grow_beyond_bounds_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(refusal(&bomb, Format::Yaml).problem.contains("values"));
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        deep.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(refusal(&deep, Format::Yaml).problem.contains("deep"));
}

#[test]
fn a_byte_order_mark_is_no_text() {
    assert_eq!(json("\u{feff}{}").root.value, Value::Map(Vec::new()));
}

#[test]
fn errors_do_not_quote() {
    for (text, format) in [
        ("{\"password\": hunter2}", Format::Json),
        ("password: \"hunter2\nother: [", Format::Yaml),
        ("password = hunter2\n", Format::Toml),
        ("a: !!int hunter2\nb: [", Format::Yaml),
    ] {
        assert!(!refusal(text, format).to_string().contains("hunter2"), "{text}");
    }
}

#[test]
fn formats_follow_from_names() {
    for (name, format) in [
        ("krakend.json", Format::Json),
        ("a/krakend.yml", Format::Yaml),
        ("krakend.yaml", Format::Yaml),
        ("krakend.toml", Format::Toml),
        ("krakend", Format::Json),
        ("krakend.tmpl", Format::Json),
    ] {
        assert_eq!(Format::of_file(Path::new(name)), format, "{name}");
    }
}

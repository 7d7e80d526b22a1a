//! The five readers of a host, side by side: where they differ, they are meant to.

use super::{Authority, HostPattern, Target, hostname, kubernetes};

/// Whether a text is taken by the API, the compiler, the resolver, the proxy's configuration, and the request path.
fn verdicts(text: &str) -> [bool; 5] {
    [
        kubernetes::precise_hostname(text).is_empty(),
        hostname::is_name(text),
        hostname::is_dns_name(text),
        matches!(HostPattern::parse(text), Ok(HostPattern::Exact(_))),
        Authority::parse(text.as_bytes()).is_some_and(|authority| authority.port.is_none()),
    ]
}

#[test]
fn each_reader_of_a_host_is_as_strict_as_it_is_said_to_be() {
    let long = "a".repeat(64);
    for (text, expected) in [
        ("example.com", [true, true, true, true, true]),
        ("1.example", [true, true, true, true, true]),
        ("Example.COM", [false, true, true, true, true]),
        ("_http._tcp.example", [false, true, true, true, true]),
        ("-a.example", [false, false, true, true, true]),
        ("a-.example", [false, false, true, true, true]),
        // What some programs take for an address.
        ("example.1", [true, true, false, true, true]),
        ("0x7f000001", [true, true, false, true, true]),
        ("10.0.0.1", [false, true, false, true, true]),
        ("2001:db8::1", [false, false, false, true, false]),
        ("[2001:db8::1]", [false, false, false, false, true]),
        ("example.com.", [false, false, false, true, true]),
        ("a..b", [false, false, false, false, true]),
        ("h..", [false, false, false, false, false]),
        ("a%20b", [false, false, false, false, true]),
        // Kubernetes limits the length of the whole only.
        (&*long, [true, false, false, false, true]),
        ("*.example.com", [false, false, false, false, true]),
        ("*", [false, false, false, false, true]),
        ("", [false, false, false, false, false]),
        ("a b", [false, false, false, false, false]),
        ("user@host", [false, false, false, false, false]),
        ("a,b", [false, false, false, false, false]),
        ("a/b", [false, false, false, false, false]),
        ("\u{e9}.example", [false, false, false, false, false]),
    ] {
        assert_eq!(verdicts(text), expected, "{text:?}");
    }
}

proptest::proptest! {
    /// What is compiled is served, and can be asked for: a name that passes a stricter reader passes those after it, save for
    /// last labels that look like a number, which are never looked up.
    #[test]
    fn what_an_api_object_says_is_understood_to_the_end(name in "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\\.[a-z]([a-z0-9-]{0,8}[a-z])?){1,4}") {
        proptest::prop_assert_eq!(verdicts(&name), [true; 5]);
        let read = Target::parse(&name, 80);
        let name_of = |target| match target {
            Target::Name(found) => found.name().to_owned(),
            Target::Literal(address) => address.to_string(),
        };
        proptest::prop_assert_eq!(read.map(name_of), Ok(name));
    }

    /// One spelling, whoever reads it.
    #[test]
    fn case_and_the_dot_of_an_absolute_name_do_not_matter(name in "[a-zA-Z0-9]{1,8}(\\.[a-zA-Z]{1,8}){1,3}") {
        let folded = name.to_ascii_lowercase();
        let dotted = format!("{name}.");
        proptest::prop_assert_eq!(hostname::canonical(&dotted), &*folded);
        proptest::prop_assert_eq!(HostPattern::parse(&dotted), Ok(HostPattern::Exact(folded.as_str().into())));
        let authority = Authority::parse(dotted.as_bytes()).map(|authority| authority.host.into_owned());
        proptest::prop_assert_eq!(authority, Some(folded));
    }
}

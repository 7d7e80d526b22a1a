use super::served;

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_route_has_the_names_that_share_a_host_with_the_listener() {
    type Case = (Option<&'static str>, &'static [&'static str], Option<&'static [&'static str]>);
    let cases: &[Case] = &[
        (None, &[], Some(&[])),
        (None, &["a.example.com"], Some(&["a.example.com"])),
        (Some("a.example.com"), &[], Some(&[])),
        (Some("a.example.com"), &["a.example.com"], Some(&["a.example.com"])),
        (Some("a.example.com"), &["b.example.com"], None),
        (Some("*.example.com"), &["a.example.com", "a.b.example.com"], Some(&["a.example.com", "a.b.example.com"])),
        (Some("*.example.com"), &["example.com"], None),
        (Some("*.example.com"), &["badexample.com"], None),
        (Some("a.example.com"), &["*.example.com"], Some(&["*.example.com"])),
        (Some("a.example.com"), &["*.example.com", "*.com", "*.org"], Some(&["*.example.com", "*.com"])),
        (Some("example.com"), &["*.example.com"], None),
        (Some("*.example.com"), &["*.example.com"], Some(&["*.example.com"])),
        (Some("*.example.com"), &["*.com"], Some(&["*.com"])),
        (Some("*.com"), &["*.example.com"], Some(&["*.example.com"])),
        (Some("*.example.com"), &["*.example.org"], None),
        (Some("*.example.com"), &["very.specific.com", "a.example.com"], Some(&["a.example.com"])),
        (Some("*.example.com"), &["A.Example.COM"], Some(&["a.example.com"])),
        (Some("*.example.com"), &["*"], Some(&[])),
        (None, &["a.example.com", "*"], Some(&[])),
        (None, &["a.example.com."], Some(&["a.example.com"])),
        (None, &["a..example.com", "a b"], None),
    ];
    for (listener, route, shared) in cases {
        assert_eq!(served(*listener, &hosts(route)), shared.map(hosts), "{listener:?} and {route:?}");
    }
}

use super::*;

fn of(trusted: &[&str]) -> ClientAddress {
    client_address(&config::ClientAddress {
        headers: vec!["x-forwarded-for".to_owned(), "x-real-ip".to_owned()],
        trusted: trusted.iter().map(|network| (*network).to_owned()).collect(),
    })
    .unwrap()
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn find(config: &ClientAddress, lines: &[(&'static str, &'static str)], peer: &str) -> Option<String> {
    let mut map = HeaderMap::new();
    for (name, value) in &headers(lines) {
        map.append(name, value.clone());
    }
    config.find(&map, peer.parse().unwrap()).map(Cow::into_owned)
}

#[test]
fn the_first_counts_where_everybody_is_trusted() {
    let config = of(&["0.0.0.0/0", "::/0"]);
    let list = [("x-forwarded-for", "192.0.2.1, 198.51.100.2")];
    assert_eq!(find(&config, &list, "127.0.0.1").as_deref(), Some("192.0.2.1"));
    assert_eq!(find(&config, &[("x-real-ip", "2001:db8::1")], "::1").as_deref(), Some("2001:db8::1"));
    assert_eq!(find(&config, &[], "127.0.0.1"), None);
    // What names nobody is passed over.
    let broken = [("x-forwarded-for", "192.0.2.1, unknown"), ("x-real-ip", "192.0.2.9")];
    assert_eq!(find(&config, &broken, "127.0.0.1").as_deref(), Some("192.0.2.9"));
}

#[test]
fn the_last_that_is_not_trusted_counts_and_nothing_of_strangers() {
    let config = of(&["10.0.0.0/8"]);
    let list = [("x-forwarded-for", "192.0.2.1, 198.51.100.2, 10.1.1.1")];
    assert_eq!(find(&config, &list, "10.0.0.1").as_deref(), Some("198.51.100.2"));
    assert_eq!(find(&config, &list, "::ffff:10.0.0.1").as_deref(), Some("198.51.100.2"));
    assert_eq!(find(&config, &list, "203.0.113.1"), None);
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    let message = config::ClientAddress { headers: vec!["a b".to_owned()], trusted: vec!["x".to_owned()] };
    let faults = client_address(&message).unwrap_err().to_string();
    assert!(faults.contains("headers[0]: ") && faults.contains("trusted[0]: "), "{faults}");
}

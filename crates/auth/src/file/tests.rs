use super::*;

fn read(text: &str) -> Result<Known, String> {
    parse(Path::new("tokens.yaml"), text).map_err(|error| error.to_string())
}

#[test]
fn a_token_has_what_the_file_says_and_defaults_otherwise() {
    let text = format!(
        "tokens:\n- name: deploy\n  sha256: {}\n- name: purge\n  sha256: {}\n  customer: acme\n  services: [one]\n  \
         scope: purge_all purge_select\n  expires: 2030-01-02T03:04:05Z\n",
        Digest::of("first"),
        Digest::of("second"),
    );
    let known = read(&text).unwrap();
    assert_eq!(known[0].0, Digest::of("first"));
    assert_eq!(known[0].1.customer, DEFAULT_CUSTOMER);
    assert_eq!(known[0].1.scope_names(), "global");
    assert_eq!(known[1].1.scope_names(), "purge_select purge_all");
    assert_eq!(known[1].1.expires.unwrap().to_string(), "2030-01-02T03:04:05Z");
    assert!(known[1].1.sees("acme", "one") && !known[1].1.sees("acme", "two") && !known[1].1.sees("other", "one"));
}

#[test]
fn what_is_wrong_is_named() {
    let of = |rest: &str| read(&format!("tokens:\n- name: x\n  sha256: {}\n  {rest}\n", Digest::of("x"))).unwrap_err();
    assert!(of("scope: all").contains("tokens[0] (x): scope: \"all\" is none of"), "{}", of("scope: all"));
    assert!(of("scopes: global").contains("scopes"), "{}", of("scopes: global"));
    assert!(of("expires: tomorrow").contains("tokens.yaml"));
    let error = read("tokens:\n- {name: x, sha256: abc}\n").unwrap_err();
    assert!(error.contains("64 hexadecimal digits"), "{error}");
    let twice = format!("tokens:\n- {{name: a, sha256: {0}}}\n- {{name: b, sha256: {0}}}\n", Digest::of("x"));
    assert!(read(&twice).unwrap_err().contains("tokens[1] (b): it is the same token as tokens[0]"));
}

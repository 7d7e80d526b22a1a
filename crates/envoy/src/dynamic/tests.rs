use backstay_destination::lookup::Settings;
use backstay_model::{Allowed, HostPattern};

use super::{allowed, cache_name};

#[test]
fn a_cache_is_called_by_its_content() {
    let settings = Settings::default();
    let other = Settings { max_hosts: 7, ..Settings::default() };
    assert_eq!(cache_name("backend/b", &settings), cache_name("backend/b", &settings.clone()));
    assert_ne!(cache_name("backend/b", &settings), cache_name("backend/b", &other));
    assert_ne!(cache_name("backend/b", &settings), cache_name("backend/c", &settings));
}

#[test]
fn names_are_permitted_with_any_port_and_no_other_name_is() {
    let names = ["a.example", "*.b.example"].map(|name| HostPattern::parse(name).unwrap());
    let expression = allowed(&Allowed::Only(names.into())).unwrap();
    let whole = regex::Regex::new(&format!("^(?:{expression})$")).unwrap();
    for authority in ["a.example", "A.example:80", "a.example.", "x.b.example:8443", "x.y.b.example"] {
        assert!(whole.is_match(authority), "{authority}");
    }
    for authority in ["b.example", "xa.example", "a.example.evil", "aXexample", "evil:80.b.example", "a.example:80:1"] {
        assert!(!whole.is_match(authority), "{authority}");
    }
    assert_eq!(allowed(&Allowed::All), None);
}

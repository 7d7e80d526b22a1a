use super::*;

fn claims(json: &str) -> Claims {
    Claims::new(crate::json::object(json.as_bytes()).unwrap()).unwrap()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn one_of_the_roles_is_enough() {
    let at = |path: &[&str], json: &str| {
        let roles = Roles { any: texts(&["admin", "editor"]), path: texts(path) };
        roles.check(&claims(json)).is_ok()
    };
    for (path, json, enough) in [
        (&["roles"] as &[&str], r#"{"roles":["viewer","editor"]}"#, true),
        (&["roles"], r#"{"roles":"viewer admin"}"#, true),
        (&["roles"], r#"{"roles":"administrator"}"#, false),
        (&["roles"], r#"{"roles":["viewer"]}"#, false),
        (&["roles"], r#"{"roles":[1,null,"admin"]}"#, true),
        (&["roles"], r#"{"roles":{"admin":true}}"#, false),
        (&["roles"], "{}", false),
        (&["realm", "roles"], r#"{"realm":{"roles":["admin"]}}"#, true),
        (&["realm", "roles"], r#"{"realm":["admin"]}"#, false),
        (&["realm.roles"], r#"{"realm.roles":["admin"]}"#, true),
    ] {
        assert_eq!(at(path, json), enough, "{path:?} {json}");
    }
}

#[test]
fn scopes_are_one_or_all() {
    let at = |all: bool, json: &str| {
        let scopes = Scopes { scopes: texts(&["read", "write"]), all, path: texts(&["scope"]) };
        scopes.check(&claims(json)).is_ok()
    };
    assert!(at(false, r#"{"scope":"a read"}"#));
    assert!(!at(true, r#"{"scope":"a read"}"#));
    assert!(at(true, r#"{"scope":"write a read"}"#));
    assert!(at(false, r#"{"scope":["a","read"]}"#));
    assert!(!at(true, r#"{"scope":["read","read write"]}"#));
    assert!(at(true, r#"{"scope":["write",1,"read"]}"#));
    assert!(!at(false, r#"{"scope":[]}"#));
    assert!(!at(false, r#"{"scope":{"read":true}}"#));
    assert!(!at(false, "{}"));
}

use super::*;

#[test]
fn paths_are_cleaned() {
    for (path, expected) in [
        ("/", "/"),
        ("//", "/"),
        ("/a//b", "/a/b"),
        ("/a/./b/", "/a/b/"),
        ("/a/../b", "/b"),
        ("/../../b", "/b"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
    ] {
        assert_eq!(cleaned(path), expected, "{path}");
    }
}

#[test]
fn what_may_not_stand_in_a_path_is_encoded() {
    assert_eq!(encoded_path("/a b/ü?#%"), "/a%20b/%C3%BC%3F%23%25");
}

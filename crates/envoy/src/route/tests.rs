use backstay_model::{HeaderEdit, PathEdit};
use http::{HeaderName, HeaderValue};

use super::edits::{NewPath, edits, new_path};

fn described(edit: &PathEdit, prefix: Option<&str>) -> Option<String> {
    Some(match new_path(edit, prefix)? {
        NewPath::Prefix(prefix) => format!("prefix {prefix}"),
        NewPath::Whole(path) => format!("whole {path}"),
        NewPath::Regex(regex) => format!("{} -> {}", regex.pattern.unwrap().regex, regex.substitution),
    })
}

#[test]
fn paths_keep_a_slash_where_a_prefix_was() {
    let prefix = |new: &str| PathEdit::Prefix(new.into());
    let cases = [
        (prefix("/new"), Some("/old"), Some("prefix /new")),
        (prefix("/new/"), Some("/old/"), Some("prefix /new")),
        (prefix("/"), Some("/old.v1"), Some(r"^/old\.v1/? -> /")),
        (prefix("/new"), Some("/"), Some("^/ -> /new/")),
        (prefix("/"), Some("/"), None),
        (prefix("/new"), None, None),
        (PathEdit::Full("/all".into()), None, Some("whole /all")),
    ];
    for (edit, matched, expected) in cases {
        assert_eq!(described(&edit, matched).as_deref(), expected, "{edit:?} of {matched:?}");
    }
}

#[test]
fn edits_end_as_they_would_one_after_another() {
    let name = |name: &'static str| HeaderName::from_static(name);
    let value = |value: &'static str| HeaderValue::from_static(value);
    let all = [
        HeaderEdit::Add(name("x-a"), value("gone")),
        HeaderEdit::Set(name("x-a"), value("50%")),
        HeaderEdit::Add(name("x-a"), value("more")),
        HeaderEdit::Set(name("x-b"), value("gone")),
        HeaderEdit::Remove(name("x-b")),
    ];
    let made = edits(all.iter()).unwrap();
    let added: Vec<_> =
        made.add.iter().map(|option| option.header.as_ref().unwrap()).map(|one| (&*one.key, &*one.value)).collect();
    assert_eq!(added, [("x-a", "50%%"), ("x-a", "more")]);
    assert_eq!(made.remove, ["x-b"]);
    assert!(edits([HeaderEdit::Set(name("host"), value("other"))].iter()).is_none());
}

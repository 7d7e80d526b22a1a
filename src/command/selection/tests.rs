use super::{Words, selector};

fn parse(words: &[&str]) -> Result<Words, String> {
    Words::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[test]
fn a_word_that_is_empty_means_nothing() {
    for words in [
        &[""][..],
        &["", "a"],
        &["backend", ""],
        &["backend", "a", ""],
        &["backend", "", "a"],
        &["backend/"],
        &["/a"],
        &["/"],
        &["backend/a", "backend/"],
        &["backend,", "a"],
        &[","],
        &["backend", " "],
        &[],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
}

#[test]
fn names_do_not_change_the_path() {
    for words in [
        &["backend", ".."][..],
        &["backend", "."],
        &["backend", "?"],
        &["backend/a/b"],
        &["backend/.."],
        &["backend", "a%2Fb"],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
    assert!(parse(&["backend", "a/b"]).unwrap_err().contains("KIND/NAME"));
}

#[test]
fn a_name_that_is_said_twice_is_meant_once() {
    let name = |text: &str| text.parse().unwrap();
    let kinds = vec!["backend".to_owned()];
    assert_eq!(parse(&["backend", "b", "a", "b"]), Ok(Words::Kinds { kinds, names: vec![name("b"), name("a")] }));
    let pair = ("backend".to_owned(), name("a"));
    assert_eq!(parse(&["backend/a", "backend/a"]), Ok(Words::Pairs(vec![pair])));
}

#[test]
fn a_selector_selects_something() {
    for text in ["", " ", ",", " , ,", "\t"] {
        assert!(selector(text).is_err(), "{text:?}");
    }
    assert!(selector("app=").is_ok());
    assert!(selector("!app").is_ok());
}

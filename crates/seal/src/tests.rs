use super::{Keys, KeysError, UnsealError, is_sealed, key_name};

const ONE: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const TWO: &str = "0202020202020202020202020202020202020202020202020202020202020202";

fn keys(text: &str) -> Result<Keys, KeysError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, text).unwrap();
    Keys::of_file(&path)
}

#[test]
fn what_is_sealed_is_unsealed_at_its_place_alone() {
    let keys = keys(&format!("# keys\n\n2026-12: {ONE}\n")).unwrap();
    let sealed = keys.seal("secrets/default/a", b"private").unwrap();
    assert!(is_sealed(&sealed));
    assert_eq!(key_name(&sealed), "2026-12");
    assert!(!sealed.windows(7).any(|bytes| bytes == b"private"));
    assert_eq!(keys.unseal("secrets/default/a", &sealed).unwrap(), b"private");
    assert!(matches!(keys.unseal("secrets/default/b", &sealed), Err(UnsealError::Wrong(_))));
    let mut damaged = sealed.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(keys.unseal("secrets/default/a", &damaged), Err(UnsealError::Wrong(_))));
    assert_ne!(sealed, keys.seal("secrets/default/a", b"private").unwrap(), "each has a nonce of its own");
}

#[test]
fn the_first_key_seals_and_all_unseal() {
    let old = keys(&format!("old:{ONE}")).unwrap();
    let both = keys(&format!("new:{TWO}\nold:{ONE}")).unwrap();
    let new = keys(&format!("new:{TWO}")).unwrap();
    let before = old.seal("a", b"x").unwrap();
    assert_eq!(both.unseal("a", &before).unwrap(), b"x");
    let after = both.seal("a", b"x").unwrap();
    assert_eq!(key_name(&after), "new");
    assert_eq!(new.unseal("a", &after).unwrap(), b"x");
    assert_eq!(new.unseal("a", &before), Err(UnsealError::NoKey("old".to_owned())));
}

#[test]
fn a_file_that_changes_is_read_again_and_a_bad_one_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let write = |text: &str| {
        std::fs::write(folder.path().join("new"), text).unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
    };
    write(&format!("old:{ONE}"));
    let keys = Keys::of_file(&path).unwrap();
    let sealed_with = || {
        keys.look(std::time::Duration::ZERO);
        key_name(&keys.seal("a", b"x").unwrap())
    };
    let before = keys.seal("a", b"x").unwrap();
    write(&format!("new:{TWO}\nold:{ONE}"));
    assert_eq!(sealed_with(), "new");
    assert_eq!(keys.unseal("a", &before).unwrap(), b"x");
    write("nonsense");
    assert_eq!(sealed_with(), "new");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(sealed_with(), "new");
    write(&format!("third:{ONE}\nnew:{TWO}"));
    assert_eq!(sealed_with(), "third");
    // A key that is missing is looked for at once.
    write(&format!("old:{ONE}"));
    assert_eq!(keys.unseal("a", &before).unwrap(), b"x");
}

#[test]
fn what_is_not_sealed_is_told() {
    for plain in [&b""[..], b"{}", b"bs1:", b"bs1::", b"bs1:name-without-end-that-is-much-too-long-for-one:"] {
        assert!(!is_sealed(plain), "{plain:?}");
    }
    let keys = keys(&format!("a:{ONE}")).unwrap();
    assert_eq!(keys.unseal("a", b"bs1:a:short"), Err(UnsealError::Short));
}

#[test]
fn a_line_that_is_no_key_is_named_and_not_shown() {
    for (text, said) in [
        (String::new(), "from 1 to 64 keys"),
        ("a:beef".to_owned(), "line 1: write it as NAME:KEY"),
        (format!("a:{ONE}\na:{TWO}"), "line 2: another key has this name"),
        (format!("a b:{ONE}"), "line 1: the name must be"),
    ] {
        let error = keys(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("0101") && !error.contains("beef"), "{error}");
    }
}

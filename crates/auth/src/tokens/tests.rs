use std::time::Duration;

use super::*;

fn write(path: &Path, entries: &str) {
    std::fs::write(path, format!("tokens:\n{entries}")).unwrap();
}

fn entry(name: &str, token: &str, rest: &str) -> String {
    format!("- name: {name}\n  sha256: {}\n{rest}", Digest::of(token))
}

#[tokio::test]
async fn a_token_of_the_file_is_taken_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.yaml");
    let expiring = entry("short", "second-token", "  expires: 2030-01-01T00:00:00Z\n");
    write(&path, &(entry("long", "first-token", "") + &expiring));
    let tokens = Tokens::of_file(&path).await.unwrap();
    let now = Timestamp::from_second(1_800_000_000);
    assert_eq!(tokens.identify(Some("first-token"), now).unwrap().name, "long");
    assert_eq!(tokens.identify(Some("second-token"), now).unwrap().name, "short");
    assert_eq!(tokens.identify(Some("second-token"), Timestamp::from_second(1_900_000_000)), Err(Denied::Expired));
    assert_eq!(tokens.identify(Some("third-token"), now), Err(Denied::Unknown));
    assert_eq!(tokens.identify(Some(""), now), Err(Denied::Missing));
    assert_eq!(tokens.identify(None, now), Err(Denied::Missing));
}

#[tokio::test]
async fn a_file_without_tokens_takes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.yaml");
    write(&path, " []\n");
    let tokens = Tokens::of_file(&path).await.unwrap();
    assert_eq!(tokens.identify(Some("x"), Timestamp::now()), Err(Denied::Unknown));
}

#[tokio::test]
async fn any_token_is_taken_without_a_file_and_the_identity_says_so() {
    let identity = Tokens::any().identify(Some("whatever"), Timestamp::now()).unwrap();
    assert_eq!(identity.credential, crate::Credential::Unchecked);
    assert!(identity.is_in(crate::identity::MASTERS));
    assert_eq!(Tokens::any().identify(None, Timestamp::now()), Err(Denied::Missing));
}

#[tokio::test]
async fn a_change_of_the_file_is_seen_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.yaml");
    write(&path, &entry("one", "first-token", ""));
    let tokens = Tokens::of_file(&path).await.unwrap();
    let following = tokio::spawn(tokens.clone().follow());
    let is_taken = |token: &'static str| tokens.identify(Some(token), Timestamp::now()).is_ok();
    let until = async |token: &'static str| {
        let taken = async {
            while !is_taken(token) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), taken).await.unwrap();
    };
    write(&path, &(entry("one", "first-token", "") + &entry("two", "second-token", "")));
    until("second-token").await;
    std::fs::write(&path, "tokens: nonsense").unwrap();
    // What comes after the broken one is read, and until then the tokens are those from before it.
    write(&path, &(entry("two", "second-token", "") + &entry("three", "third-token", "")));
    until("third-token").await;
    assert!(is_taken("second-token") && !is_taken("first-token"));
    following.abort();
}

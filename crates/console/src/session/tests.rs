use super::{MOST, Sessions};

fn token(sessions: &Sessions) -> String {
    sessions.link().split_once("token=").unwrap().1.to_owned()
}

#[test]
fn a_link_lets_one_browser_in() {
    let sessions = Sessions::new("127.0.0.1:7090".parse().unwrap());
    let first = token(&sessions);
    assert!(sessions.enter("").is_none() && sessions.enter(&first[1..]).is_none());
    let cookie = sessions.enter(&first).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    assert!(sessions.enter(&first).is_none(), "it is good once");
    let pair = cookie.split_once(';').unwrap().0;
    assert!(sessions.is_in([format!("a=b; {pair}").as_str()].into_iter()));
    assert!(!sessions.is_in([pair.replace("7090", "7091").as_str(), "x"].into_iter()));
    assert!(!sessions.is_in([format!("{pair}0").as_str()].into_iter()));
    for _ in 0..MOST {
        sessions.enter(&token(&sessions)).unwrap();
    }
    assert!(!sessions.is_in([pair].into_iter()), "the first has to go");
}

use super::*;

fn claims(json: &str) -> Result<Claims, Refusal> {
    Claims::new(crate::json::object(json.as_bytes()).unwrap())
}

fn check(json: &str, expected: &Expected, now: u64) -> Result<(), Refusal> {
    claims(json)?.check(expected, UNIX_EPOCH + Duration::from_secs(now))
}

#[test]
fn times_count_with_their_leeway() {
    let expected = Expected { leeway: Duration::from_secs(1), ..Expected::default() };
    for (json, now, outcome) in [
        ("{}", 0, Ok(())),
        (r#"{"exp":null}"#, 1000, Ok(())),
        (r#"{"exp":100}"#, 101, Ok(())),
        (r#"{"exp":100}"#, 102, Err(Refusal::Expired)),
        (r#"{"exp":100.9}"#, 101, Ok(())),
        (r#"{"exp":1e2}"#, 102, Err(Refusal::Expired)),
        (r#"{"nbf":100}"#, 99, Ok(())),
        (r#"{"nbf":100}"#, 98, Err(Refusal::NotYet)),
        (r#"{"iat":100}"#, 99, Ok(())),
        (r#"{"iat":100}"#, 98, Err(Refusal::IssuedInFuture)),
        (r#"{"exp":-1}"#, 5, Err(Refusal::Expired)),
        (r#"{"exp":1e300}"#, 5, Err(Refusal::Claim("exp"))),
        (r#"{"exp":"100"}"#, 5, Err(Refusal::Claim("exp"))),
        (r#"{"nbf":true}"#, 5, Err(Refusal::Claim("nbf"))),
        (r#"{"iat":[]}"#, 5, Err(Refusal::Claim("iat"))),
    ] {
        assert_eq!(check(json, &expected, now), outcome, "{json} at {now}");
    }
}

#[test]
fn a_token_is_for_all_audiences_that_are_wanted() {
    let expected = Expected { audiences: vec!["a".into(), "b".into()], ..Expected::default() };
    for (json, outcome) in [
        (r#"{"aud":["a","b","c"]}"#, Ok(())),
        (r#"{"aud":["a"]}"#, Err(Refusal::Audience)),
        (r#"{"aud":"a"}"#, Err(Refusal::Audience)),
        ("{}", Err(Refusal::Audience)),
        (r#"{"aud":["a",1]}"#, Err(Refusal::Claim("aud"))),
        (r#"{"aud":null}"#, Err(Refusal::Claim("aud"))),
        (r#"{"aud":{}}"#, Err(Refusal::Claim("aud"))),
    ] {
        assert_eq!(check(json, &expected, 0), outcome, "{json}");
    }
    let one = Expected { audiences: vec!["a".into()], ..Expected::default() };
    assert_eq!(check(r#"{"aud":"a"}"#, &one, 0), Ok(()));
}

#[test]
fn an_issuer_is_the_one_that_is_wanted() {
    let expected = Expected { issuer: "https://one".into(), ..Expected::default() };
    assert_eq!(check(r#"{"iss":"https://one"}"#, &expected, 0), Ok(()));
    assert_eq!(check(r#"{"iss":"https://one/"}"#, &expected, 0), Err(Refusal::Issuer));
    assert_eq!(check("{}", &expected, 0), Err(Refusal::Issuer));
    assert_eq!(check(r#"{"iss":1}"#, &expected, 0), Err(Refusal::Claim("iss")));
    assert_eq!(check(r#"{"sub":1}"#, &Expected::default(), 0), Err(Refusal::Claim("sub")));
    assert_eq!(check(r#"{"jti":1}"#, &Expected::default(), 0), Err(Refusal::Claim("jti")));
}
